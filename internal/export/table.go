package export

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// Table gives the cells of records of one kind under the columns that were chosen.
type Table[R any] struct {
	columns []column[R]
	sources []*source[R]
	cells   []Cell
}

// column is one column: a value of the record's own, or a member of one of its JSON
// objects.
type column[R any] struct {
	name string
	own  func(*R) Cell

	source *source[R]
	member string
	cell   func(raw []byte) (Cell, error)
	slot   int
}

// source is a JSON object of every record, of which columns are members. Every member
// that is wanted has a slot, which is filled anew for each record.
type source[R any] struct {
	raw    func(*R) json.RawMessage
	slots  map[string]int
	values [][]byte
}

// wanted reports whether a chosen column needs the source.
func (s *source[R]) wanted() bool { return len(s.slots) > 0 }

// slotOf gives a member its slot; what is chosen twice shares one.
func (s *source[R]) slotOf(member string) int {
	if s.slots == nil {
		s.slots = make(map[string]int)
	}
	slot, ok := s.slots[member]
	if !ok {
		slot = len(s.slots)
		s.slots[member] = slot
		s.values = append(s.values, nil)
	}
	return slot
}

func (s *source[R]) load(r *R) error {
	clear(s.values)
	raw := s.raw(r)
	if len(raw) == 0 {
		return nil
	}
	var key []byte
	var bad error
	err := eachMember(raw, func(quoted, value []byte) {
		var err error
		if key, err = unquote(key[:0], quoted); err != nil {
			bad = err
			return
		}
		if slot, ok := s.slots[string(key)]; ok {
			s.values[slot] = value
		}
	})
	if err != nil {
		return err
	}
	return bad
}

// Names are the names of the chosen columns in their order.
func (t *Table[R]) Names() []string {
	out := make([]string, len(t.columns))
	for i := range t.columns {
		out[i] = t.columns[i].name
	}
	return out
}

// Cells gives the cells of a record. They are good until the next call, and as long as
// the record is.
func (t *Table[R]) Cells(r *R) ([]Cell, error) {
	for _, s := range t.sources {
		if err := s.load(r); err != nil {
			return nil, err
		}
	}
	for i := range t.columns {
		c := &t.columns[i]
		if c.own != nil {
			t.cells[i] = c.own(r)
			continue
		}
		var err error
		if t.cells[i], err = c.cell(c.source.values[c.slot]); err != nil {
			return nil, err
		}
	}
	return t.cells, nil
}

// ColumnsError says which columns were asked for in vain.
type ColumnsError struct {
	// Unknown are names that no column has, Twice names that would be there twice.
	Unknown, Twice []string
}

// Error implements error.
func (e *ColumnsError) Error() string {
	var parts []string
	if len(e.Unknown) > 0 {
		parts = append(parts, "there is no column "+strings.Join(e.Unknown, ", "))
	}
	if len(e.Twice) > 0 {
		parts = append(parts, "chosen twice: "+strings.Join(e.Twice, ", "))
	}
	return strings.Join(parts, "; ")
}

// catalogue is every column that there is.
type catalogue[R any] struct {
	columns []column[R]
	// usual are the columns when none are chosen; groups are names for several at once.
	usual  []column[R]
	groups map[string][]column[R]
}

// choose makes a table of the columns that values name, each of which holds one name or
// several between commas. A value that is a name as it stands is taken as that one: input
// columns may have commas in their names. None at all chooses the usual columns.
func (c *catalogue[R]) choose(values []string) (*Table[R], error) {
	known := make(map[string][]column[R], len(c.columns)+len(c.groups))
	for _, col := range c.columns {
		known[col.name] = []column[R]{col}
	}
	maps.Copy(known, c.groups)
	chosen, unknown := c.usual, []string(nil)
	if names := split(values, func(s string) bool { return known[s] != nil }); len(names) > 0 {
		chosen = nil
		for _, name := range names {
			if known[name] == nil {
				unknown = append(unknown, name)
			}
			chosen = append(chosen, known[name]...)
		}
	}
	twice := repeated(chosen)
	if len(unknown) > 0 || len(twice) > 0 {
		return nil, &ColumnsError{Unknown: unknown, Twice: twice}
	}
	return bind(chosen), nil
}

func split(values []string, known func(string) bool) []string {
	var out []string
	for _, v := range values {
		if known(v) {
			out = append(out, v)
			continue
		}
		for name := range strings.SplitSeq(v, ",") {
			if name = strings.TrimSpace(name); name != "" {
				out = append(out, name)
			}
		}
	}
	return out
}

func repeated[R any](columns []column[R]) []string {
	seen := make(map[string]int, len(columns))
	var out []string
	for i := range columns {
		name := columns[i].name
		if seen[name]++; seen[name] == 2 {
			out = append(out, name)
		}
	}
	return out
}

// bind gives the members that the columns are of their slots.
func bind[R any](columns []column[R]) *Table[R] {
	t := &Table[R]{columns: slices.Clone(columns), cells: make([]Cell, len(columns))}
	for i := range t.columns {
		c := &t.columns[i]
		if c.source == nil {
			continue
		}
		c.slot = c.source.slotOf(c.member)
		if !slices.Contains(t.sources, c.source) {
			t.sources = append(t.sources, c.source)
		}
	}
	return t
}

func own[R any](name string, cell func(*R) Cell) column[R] { return column[R]{name: name, own: cell} }

func member[R any](name string, s *source[R], key string, cell func([]byte) (Cell, error)) column[R] {
	return column[R]{name: name, source: s, member: key, cell: cell}
}

func plainMember(raw []byte) (Cell, error) { return jsonCell(raw), nil }
