package extract

import (
	"maps"
	"slices"
)

// byKey finds a field without rule in a JSON answer: the value of the key of its
// name that is nearest to the top.
func (p *Page) byKey(key string) finding {
	level := []any{p.jsonBody()}
	for depth := 0; depth < maxJSONDepth && len(level) > 0; depth++ {
		var next []any
		for _, v := range level {
			switch v := v.(type) {
			case map[string]any:
				for _, k := range slices.Sorted(maps.Keys(v)) {
					if texts := jsonTexts(v[k]); idKey(k) == key && len(texts) > 0 {
						return finding{texts: texts, source: "json " + k, exact: true}
					}
					next = append(next, v[k])
				}
			case []any:
				next = append(next, v...)
			}
		}
		level = next
	}
	return finding{}
}
