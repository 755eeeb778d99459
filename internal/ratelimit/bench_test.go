package ratelimit_test

import (
	"net/netip"
	"runtime"
	"strconv"
	"testing"

	"github.com/google/uuid"

	"github.com/minohq/mino/internal/ratelimit"
)

// BenchmarkTake takes of a key's and its organisation's bucket: as most requests do, as
// many processors do at once, and as a flood of new addresses does when there is no room
// left.
func BenchmarkTake(b *testing.B) {
	two := []ratelimit.Bucket{key(uuid.NewString(), 1_000_000, 0), organisation(uuid.NewString(), 1_000_000, 0)}

	b.Run("KeyAndOrganisation", func(b *testing.B) {
		l := ratelimit.New(ratelimit.Config{})
		b.ReportAllocs()
		for b.Loop() {
			l.Take(two...)
		}
	})
	b.Run("AtOnce", func(b *testing.B) {
		l := ratelimit.New(ratelimit.Config{})
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				l.Take(two...)
			}
		})
	})
	b.Run("NewNames", func(b *testing.B) {
		l := ratelimit.New(ratelimit.Config{})
		names := make([]string, 2*ratelimit.DefaultMaxBuckets)
		for i := range names {
			names[i] = uuid.NewString()
			l.Take(address(names[i], 60, 0))
		}
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			l.Take(address(names[i%len(names)], 60, 0))
		}
	})
}

// BenchmarkMemory says how many bytes a remembered bucket takes, its name included.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		var before, after runtime.MemStats
		l := ratelimit.New(ratelimit.Config{})
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range ratelimit.DefaultMaxBuckets {
			network := netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, byte(i >> 16), byte(i >> 8), byte(i), 1})
			l.Take(address(ratelimit.Network(network), 60, 0))
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/ratelimit.DefaultMaxBuckets, "bytes/bucket")
		runtime.KeepAlive(l)
	}
}

// BenchmarkHeaders writes those of an allowed request.
func BenchmarkHeaders(b *testing.B) {
	r := ratelimit.New(ratelimit.Config{}).Take(key(strconv.Itoa(1), 600, 0))
	b.ReportAllocs()
	for b.Loop() {
		r.Headers()
	}
}
