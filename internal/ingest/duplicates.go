package ingest

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/minohq/mino/models"
)

// DuplicateRule says what becomes of a row that has the site_url and the inputs of an
// earlier one. Its ground truth does not count: what is done for the two is the same.
type DuplicateRule string

// The rules.
const (
	// KeepDuplicates takes every row; the duplicates are reported.
	KeepDuplicates DuplicateRule = "keep"
	// SkipDuplicates drops all but the first. The rows that stay keep their numbers.
	SkipDuplicates DuplicateRule = "skip"
	// RefuseDuplicates makes a problem of each.
	RefuseDuplicates DuplicateRule = "refuse"
)

// DuplicateRules are all rules.
func DuplicateRules() []DuplicateRule {
	return []DuplicateRule{KeepDuplicates, SkipDuplicates, RefuseDuplicates}
}

// MaxDuplicates is how many duplicates of one upload are named; all are counted.
const MaxDuplicates = 100

// Duplicate is a row that is there already.
type Duplicate struct{ Row, OfRow int }

// Duplicates are those among the rows read so far.
type Duplicates struct {
	Rule  DuplicateRule
	Count int
	// Rows are the first MaxDuplicates.
	Rows []Duplicate
}

// Skipped is how many rows were dropped.
func (d Duplicates) Skipped() int {
	if d.Rule == SkipDuplicates {
		return d.Count
	}
	return 0
}

// Duplicates reports the duplicates among the rows read so far: all of them after Rows
// or Preview. Rows that have problems are not looked at.
func (t *Table) Duplicates() Duplicates {
	return Duplicates{Rule: t.seen.rule, Count: t.seen.count, Rows: t.seen.first}
}

// skips reports whether a row is dropped.
func (t *Table) skips(row Row) bool { return row.DuplicateOf > 0 && t.seen.rule == SkipDuplicates }

// rowSum stands for a row's site_url and inputs. Half a SHA-256 is short enough to be
// kept for every row, and long enough that nobody makes two rows with the same.
type rowSum [16]byte

// seenRows remembers which rows were there.
type seenRows struct {
	rule  DuplicateRule
	rows  map[rowSum]int32
	count int
	first []Duplicate
}

func newSeenRows(rule DuplicateRule) seenRows {
	if rule == "" {
		rule = KeepDuplicates
	}
	return seenRows{rule: rule, rows: make(map[rowSum]int32)}
}

// find gives the first row that is the same as a row; 0 when that is the first itself.
func (s *seenRows) find(row Row, columns []models.Column) int {
	sum := sumOf(row, columns)
	if of, known := s.rows[sum]; known {
		if s.count++; len(s.first) < MaxDuplicates {
			s.first = append(s.first, Duplicate{Row: row.Number, OfRow: int(of)})
		}
		return int(of)
	}
	s.rows[sum] = int32(row.Number) //nolint:gosec // the rows of an upload are far fewer
	return 0
}

func sumOf(row Row, columns []models.Column) rowSum {
	h := sha256.New()
	var length [8]byte
	part := func(value string) {
		// The length keeps "a", "b" apart from "ab", "".
		binary.BigEndian.PutUint64(length[:], uint64(len(value)))
		h.Write(length[:])
		h.Write([]byte(value))
	}
	part(row.SiteURL)
	for _, column := range columns {
		if column.Role == models.RoleInput {
			part(row.Input[column.Name])
		}
	}
	return rowSum(h.Sum(nil)[:len(rowSum{})])
}
