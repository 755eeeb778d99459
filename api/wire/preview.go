package wire

// MaxPreviewRows is the most rows that a preview shows.
const MaxPreviewRows = 100

// Preview is what an upload would come to; nothing is made of it.
type Preview struct {
	// CanBeCreated says that the same upload would be taken: there is no problem.
	CanBeCreated bool `json:"can_be_created"`
	// Format is "csv", "json" or "json_lines".
	Format string `json:"format"`
	// Charset is the encoding that a file is read in, Delimiter that of a CSV.
	Charset   string          `json:"charset,omitempty"`
	Delimiter string          `json:"delimiter,omitempty"`
	Columns   []PreviewColumn `json:"columns"`
	// RowCount counts the rows that were read, which are all when Complete is true: a
	// quote that is left open, say, makes the rest unreadable.
	RowCount int  `json:"row_count"`
	Complete bool `json:"complete"`
	// Rows are the first ones without a problem, as they would be stored.
	Rows       []PreviewRow `json:"rows"`
	Duplicates Duplicates   `json:"duplicates"`
	// Problems are the first 100 of ProblemCount; Warnings likewise.
	Problems     []UploadNote `json:"problems"`
	ProblemCount int          `json:"problem_count"`
	Warnings     []UploadNote `json:"warnings"`
	WarningCount int          `json:"warning_count"`
}

// PreviewColumn is a column, and the roles that a mapping may give it, judged by its
// first values.
type PreviewColumn struct {
	Column

	CouldBe []string `json:"could_be"`
}

// PreviewRow is a row as it would be stored.
type PreviewRow struct {
	Row         int                 `json:"row"`
	SiteURL     string              `json:"site_url"`
	Input       map[string]string   `json:"input"`
	GroundTruth map[string][]string `json:"ground_truth,omitempty"`
}

// UploadNote is a problem of an upload, or a warning. Field names the place as the
// errors of a refused upload do.
type UploadNote struct {
	Field string `json:"field"`
	// Row is the data row, from 1, and Line that of the file on which it begins; 0 when
	// none is meant.
	Row     int    `json:"row,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  string `json:"column,omitempty"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Duplicates are the rows of an upload with the site_url and the inputs of an earlier
// one.
type Duplicates struct {
	// Action is what was to become of them: "keep", "skip" or "refuse".
	Action string `json:"action"`
	Count  int    `json:"count"`
	// Skipped is how many are not stored.
	Skipped int `json:"skipped"`
	// Rows are the first 100 of them.
	Rows []DuplicateRow `json:"rows"`
}

// DuplicateRow is a row that is the same as an earlier one.
type DuplicateRow struct {
	Row   int `json:"row"`
	OfRow int `json:"of_row"`
}
