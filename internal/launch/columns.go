package launch

import (
	"slices"

	"github.com/minohq/mino/models"
)

// MissingColumns are those of the needed columns that are not among the input columns of
// a batch, each once, in the order of needs. Names are the same only as they are written:
// it is by them that the values of a row are found.
func MissingColumns(needs []string, columns []models.Column) []string {
	var missing []string
	for _, name := range needs {
		is := func(c models.Column) bool { return c.Role == models.RoleInput && c.Name == name }
		if !slices.ContainsFunc(columns, is) && !slices.Contains(missing, name) {
			missing = append(missing, name)
		}
	}
	return missing
}
