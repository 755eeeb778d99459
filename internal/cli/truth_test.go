package cli

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models/field"
)

func TestTruthIsSet(t *testing.T) {
	t.Parallel()

	// truths are the right prices of a batch's rows.
	truths := func(api *realAPI, batch wire.Batch) (prices [][]string) {
		for _, job := range api.jobs(batch) {
			prices = append(prices, job.GroundTruth["price"])
		}
		return prices
	}

	t.Run("ByRows", func(t *testing.T) {
		t.Parallel()
		api := newRealAPI(t)
		batch, jobs := api.batch(api.project())
		api.executed(batch, jobs)
		path := file(t, "truth.csv", "\ufeffprice, row\n9.00 | 9.5,2\n,1\n"+`a\|b,4`+"\n")
		out := one[wire.GroundTruthResponse](api.mino("truth", "set", batch.ID.String(), path, "--json"))
		require.Equal(t, wire.GroundTruthResponse{Updated: 2, Rescored: 1}, out)
		require.Equal(t, [][]string{{"10.00"}, {"9.00", "9.5"}, {"10.00"}, {"a|b"}}, truths(api, batch))
		require.Equal(t, "updated      0\nunchanged    2\nscored anew  0\n", api.mino("truth", "set", batch.ID.String(), path).ok().out)

		require.Equal(t, 1, one[wire.GroundTruthResponse](
			api.mino("truth", "set", batch.ID.String(), path, "--clear-empty", "--json")).Updated)
		require.Empty(t, truths(api, batch)[0])
	})

	t.Run("ByJobsFromAnEditedExport", func(t *testing.T) {
		t.Parallel()
		api := newRealAPI(t)
		batch, jobs := api.batch(api.project())
		content := "row,job_id,site_url,gt_price,result.price\n"
		content += "77," + jobs[2].ID.String() + ",https://two.example/a,3.00,whatever\n"
		set := commandLineOf(t, Streams{In: strings.NewReader(content)},
			"truth", "set", batch.ID.String(), "-", "--json", "--api", api.url)
		require.Equal(t, 1, one[wire.GroundTruthResponse](set).Updated)
		require.Equal(t, []string{"3.00"}, truths(api, batch)[2])
	})

	t.Run("WholeOrNotAtAll", func(t *testing.T) {
		t.Parallel()
		api := newRealAPI(t)
		batch, _ := api.batch(api.project())
		set := func(content string) spoken {
			t.Helper()
			return api.mino("truth", "set", batch.ID.String(), file(t, "truth.csv", content))
		}
		before := truths(api, batch)
		set("row,price\n1,1.00\n\nx,2.00\n0,3\n").fails(ExitRefused, `line 4: row: must be a whole number from 1, is "x"`, "line 5: row")
		set("job_id,price\n7,1.00\n").fails(ExitRefused, `line 2: job_id: "7" is no id`)
		set("row,price\n1,1.00\n\n99,2.00\n").fails(ExitRefused, "could not set the right values", "line 4, row: ")
		set("row,prize,worth\n1,1,1\n").fails(ExitRefused, "no fields of the project: prize, worth; there are: price")
		set("row,gt_prize\n1,1\n").fails(ExitRefused, "gt_prize")
		set("row\n1\n").fails(ExitRefused, "no column of a field")
		set("row,price,price\n1,1,1\n").fails(ExitRefused, `"price" twice`)
		set("line;price\n1;1\n").fails(ExitRefused, "no column row or job_id")
		set("row,price\n1,\n").fails(ExitRefused, "sets no value")
		set("").fails(ExitOther, "empty")
		set("row,price\n1\n").fails(ExitOther, "line 2")
		api.mino("truth", "set", batch.ID.String(), "nowhere.csv").fails(ExitOther, "nowhere.csv")
		api.mino("truth", "set", uuid.NewString(), file(t, "truth.csv", "row,price\n1,1\n")).fails(ExitRefused, "(BATCH_NOT_FOUND)")
		require.Equal(t, before, truths(api, batch))
	})
}

func TestAcceptedValues(t *testing.T) {
	t.Parallel()
	text := field.Field{Name: "x"}
	pattern := field.Field{Name: "x", Compare: &field.Compare{Comparer: field.CompareRegex}}
	for cell, want := range map[string][]string{
		"": {}, " | ": {}, "a": {"a"}, "a| b |": {"a", "b"}, `a\|b|c`: {"a|b", "c"}, `a\b`: {`a\b`}, `\`: {`\`},
	} {
		require.Equal(t, want, acceptedValues(cell, text), cell)
	}
	require.Equal(t, []string{`a|b\|c`}, acceptedValues(` a|b\|c `, pattern))
}
