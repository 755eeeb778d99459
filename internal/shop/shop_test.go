package shop_test

import (
	"context"
	"encoding/csv"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/shop"
)

// open serves a shop whose slow pages are quick.
func open(t *testing.T, seed int64) (*shop.Shop, string) {
	t.Helper()
	s := shop.New(shop.Config{Seed: seed, Delay: time.Millisecond})
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	return s, server.URL
}

func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, string(body)
}

func ofKind(s *shop.Shop, kind shop.Kind) []shop.Product {
	var out []shop.Product
	for _, p := range s.Products() {
		if p.Kind == kind {
			out = append(out, p)
		}
	}
	return out
}

func TestCatalogue(t *testing.T) {
	t.Parallel()

	t.Run("TheSeedDecidesEverything", func(t *testing.T) {
		t.Parallel()
		first, second, other := shop.New(shop.Config{Seed: 7}), shop.New(shop.Config{Seed: 7}), shop.New(shop.Config{Seed: 8})
		require.Equal(t, first.CSV("http://shop.test"), second.CSV("http://shop.test"))
		require.NotEqual(t, first.CSV("http://shop.test"), other.CSV("http://shop.test"))
	})

	t.Run("EveryKindIsThereAsExplained", func(t *testing.T) {
		t.Parallel()
		s := shop.New(shop.Config{Seed: 1})
		total := 0
		for _, e := range s.Explain() {
			products := ofKind(s, e.Kind)
			require.Len(t, products, e.Pages, e.Kind)
			for _, p := range products {
				require.Equal(t, e.Expect, p.Expect)
			}
			require.NotEmpty(t, e.Words)
			total += e.Pages
		}
		require.Len(t, s.Products(), total)
		require.GreaterOrEqual(t, total, 55)
	})

	t.Run("ForEverySeedTruthsAreAsTheirKindSays", func(t *testing.T) {
		t.Parallel()
		for seed := range int64(200) {
			s := shop.New(shop.Config{Seed: seed})
			paths := map[string]bool{}
			for _, p := range s.Products() {
				require.False(t, paths[p.Path], "two pages at %s", p.Path)
				paths[p.Path] = true
				right := 0
				for field, value := range map[string]string{
					"name": p.Name, "price": p.Amount + " " + p.Currency, "sku": p.SKU,
					"availability": map[bool]string{true: "InStock", false: "OutOfStock"}[p.InStock],
				} {
					require.NotEmpty(t, p.Truth[field])
					if p.Truth[field][0] == value {
						right++
					}
				}
				switch p.Kind {
				case shop.Partial:
					require.Equal(t, 3, right)
				case shop.WrongTruth:
					require.Zero(t, right)
				default:
					require.Equal(t, 4, right)
				}
			}
		}
	})

	t.Run("TheCSVIsReadable", func(t *testing.T) {
		t.Parallel()
		s := shop.New(shop.Config{Seed: 1})
		rows, err := csv.NewReader(strings.NewReader(string(s.CSV("http://shop.test/")))).ReadAll()
		require.NoError(t, err)
		require.Equal(t, []string{"site_url", "category", "gt_name", "gt_price", "gt_sku", "gt_availability"}, rows[0])
		for i, p := range s.Products() {
			require.Equal(t, "http://shop.test"+p.Path, rows[i+1][0])
			require.Equal(t, p.Truth["sku"], strings.Split(rows[i+1][4], "|"))
		}
	})

	t.Run("TheProjectIsValid", func(t *testing.T) {
		t.Parallel()
		for _, f := range shop.New(shop.Config{}).Project().Fields {
			require.NoError(t, f.Validate())
			require.Nil(t, f.Extract, "no rules are needed")
		}
	})
}

func TestBehaviour(t *testing.T) {
	t.Parallel()

	statuses := func(kind shop.Kind) []int {
		switch kind {
		case shop.RateLimited:
			return []int{429, 200, 200}
		case shop.Flaky:
			return []int{503, 200, 200}
		case shop.Broken:
			return []int{500, 500, 500}
		case shop.Gone:
			return []int{404, 404, 404}
		default:
			return []int{200, 200, 200}
		}
	}

	t.Run("EachKindAnswersAsItShould", func(t *testing.T) {
		t.Parallel()
		s, url := open(t, 1)
		for _, p := range s.Products() {
			require.Zero(t, s.Requests(p.Path))
			for i, want := range statuses(p.Kind) {
				resp, body := get(t, url+p.Path)
				require.Equal(t, want, resp.StatusCode, "%s, request %d", p.Kind, i+1)
				if want == http.StatusTooManyRequests {
					require.Equal(t, "1", resp.Header.Get("Retry-After"))
				}
				sells := want == http.StatusOK && p.Kind != shop.Blocked && p.Kind != shop.Empty
				require.Equal(t, sells, strings.Contains(body, p.Name), "%s", p.Kind)
			}
			require.Equal(t, 3, s.Requests(p.Path))
		}
		first := ofKind(s, shop.Flaky)[0]
		s.ResetCounters()
		require.Zero(t, s.Requests(first.Path))
		resp, _ := get(t, url+first.Path)
		require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
	})

	t.Run("AVisitorWhoLeavesASlowPageIsNotWaitedFor", func(t *testing.T) {
		t.Parallel()
		s := shop.New(shop.Config{Seed: 1, Delay: time.Hour})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		w := httptest.NewRecorder()
		require.PanicsWithValue(t, http.ErrAbortHandler, func() {
			s.Handler().ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, ofKind(s, shop.Slow)[0].Path, nil))
		})
		require.Empty(t, w.Body.String())
	})

	t.Run("SomeSlowPagesAreHeavy", func(t *testing.T) {
		t.Parallel()
		s, url := open(t, 1)
		heavy := 0
		for _, p := range ofKind(s, shop.Slow) {
			if _, body := get(t, url+p.Path); len(body) > 300<<10 {
				heavy++
			}
		}
		require.Equal(t, 2, heavy)
	})

	t.Run("TheListAndTheSitemapNameAllProducts", func(t *testing.T) {
		t.Parallel()
		s, url := open(t, 1)
		_, home := get(t, url+"/")
		_, sitemap := get(t, url+"/sitemap.xml")
		for _, p := range s.Products() {
			require.Contains(t, home, `href="`+p.Path+`"`)
			require.Contains(t, sitemap, "<loc>"+url+p.Path+"</loc>")
		}
		resp, _ := get(t, url+"/products/nothing")
		require.Equal(t, http.StatusNotFound, resp.StatusCode)
	})

	t.Run("EveryProductCanBeFound", func(t *testing.T) {
		t.Parallel()
		s := shop.New(shop.Config{})
		for _, p := range s.Products() {
			found, ok := s.Product(p.Path)
			require.True(t, ok)
			require.Equal(t, p.SKU, found.SKU)
		}
		_, ok := s.Product("/nowhere")
		require.False(t, ok)
	})
}

func TestStart(t *testing.T) {
	t.Parallel()

	t.Run("OpenAndClose", func(t *testing.T) {
		t.Parallel()
		s := shop.New(shop.Config{})
		s.Stop() // before the start
		url, err := s.Start(t.Context(), "127.0.0.1:0")
		require.NoError(t, err)
		resp, _ := get(t, url+"/")
		require.Equal(t, http.StatusOK, resp.StatusCode)
		_, err = s.Start(t.Context(), "127.0.0.1:0")
		require.Error(t, err, "it is open already")
		s.Stop()
		s.Stop() // twice
		address := strings.TrimPrefix(url, "http://")
		url, err = s.Start(t.Context(), address)
		require.NoError(t, err, "the address is free again")
		s.Stop()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		require.NoError(t, err)
		_, err = http.DefaultClient.Do(req)
		require.Error(t, err)
	})

	t.Run("AnAddressThatIsTaken", func(t *testing.T) {
		t.Parallel()
		_, url := open(t, 1)
		_, err := shop.New(shop.Config{}).Start(t.Context(), strings.TrimPrefix(url, "http://"))
		require.ErrorContains(t, err, "open the shop")
	})

	t.Run("TheContextClosesIt", func(t *testing.T) {
		t.Parallel()
		s := shop.New(shop.Config{Delay: time.Hour})
		ctx, cancel := context.WithCancel(t.Context())
		url, err := s.Start(ctx, "127.0.0.1:0")
		require.NoError(t, err)
		slow := ofKind(s, shop.Slow)[0]
		answered := make(chan error, 1)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+slow.Path, nil)
		require.NoError(t, err)
		go func() {
			_, err := http.DefaultClient.Do(req)
			answered <- err
		}()
		require.Eventually(t, func() bool { return s.Requests(slow.Path) == 1 }, 5*time.Second, time.Millisecond)
		cancel()
		require.Error(t, <-answered)
		s.Stop()
	})
}

func TestOutcome(t *testing.T) {
	t.Parallel()
	require.EqualValues(t, "correct", shop.OutcomeOf(wire.Job{Status: "completed", Verdict: "correct"}))
	require.EqualValues(t, "failed: permanent", shop.OutcomeOf(wire.Job{Status: "failed", Error: &wire.JobError{Class: "permanent"}}))
	require.EqualValues(t, "cancelled", shop.OutcomeOf(wire.Job{Status: "cancelled"}))
}

func TestSearch(t *testing.T) {
	t.Parallel()

	s, url := open(t, 1)
	ask := func(body string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/api/search", strings.NewReader(body))
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer func() { _ = resp.Body.Close() }()
		answer, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(answer)
	}
	product := ofKind(s, shop.OK)[0]
	status, answer := ask(`{"query":"` + strings.ToUpper(product.Name) + `"}`)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, answer, `"sku":"`+product.SKU+`","price":{"amount":"`+product.Amount+`","currency":"`+product.Currency+`"}`)
	status, answer = ask(`{"query":"no such thing"}`)
	require.Equal(t, http.StatusOK, status)
	require.JSONEq(t, `{"products":[]}`, answer)
	status, _ = ask(`lamp`)
	require.Equal(t, http.StatusBadRequest, status)
	status, _ = ask(`{"query":"` + strings.Repeat("x", 65<<10) + `"}`)
	require.Equal(t, http.StatusBadRequest, status)
}
