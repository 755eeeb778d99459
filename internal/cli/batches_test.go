package cli

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
)

func TestBatches(t *testing.T) {
	t.Parallel()

	t.Run("AreUploadedListedRenamedAndDeleted", func(t *testing.T) {
		t.Parallel()
		api := newRealAPI(t)
		p, other := api.project(), api.project()
		path := file(t, "pages.csv", fourRows)
		made := one[wire.Batch](api.mino("batches", "upload", path, "-p", p.Name, "--json"))
		require.Equal(t, "pages", made.Name)
		require.Equal(t, 4, made.RowCount)
		second := api.mino("batches", "upload", path, "-p", other.ID.String(), "--name", "Second one").ok()
		require.Contains(t, second.out, "columns  site_url (page), shelf, gt_price (truth of price)\n")

		rows := api.mino("batches", "list", "--project", p.Name).rows()
		require.Len(t, rows, 2)
		require.Equal(t, []string{"id", "name", "rows", "created", "project"}, rows[0])
		require.Equal(t, []string{made.ID.String(), "pages", "4"}, rows[1][:3])
		require.Len(t, many[wire.Batch](api.mino("batches", "list", "--json")), 2)
		limited := api.mino("batches", "list", "--limit", "1", "--json")
		require.Len(t, many[wire.Batch](limited), 1)
		require.Equal(t, "There are more than 1: --limit 0 lists all\n", limited.errs)

		renamed := one[wire.Batch](api.mino("batches", "rename", made.ID.String(), "March", "--json"))
		require.Equal(t, "March", renamed.Name)
		require.Contains(t, api.mino("batches", "show", made.ID.String()).ok().out, "name     March\n")
		require.Equal(t, renamed, one[wire.Batch](api.mino("batches", "show", made.ID.String(), "--json")))

		gone := api.mino("batches", "delete", made.ID.String(), "-y").ok()
		require.Contains(t, gone.errs, `Deleted the batch "March"`)
		api.mino("batches", "show", made.ID.String()).fails(ExitRefused, "(BATCH_NOT_FOUND)")
	})

	t.Run("ArePreviewedAndNotMade", func(t *testing.T) {
		t.Parallel()
		api := newRealAPI(t)
		p := api.project()
		path := file(t, "pages.csv", "url;color;cost\n"+strings.Repeat("https://shop.example/1;red;1.00|2.00\n", 2))
		options := []string{"batches", "preview", path, "-p", p.Name, "--column", "url=site_url", "--column", "cost=ground_truth:price"}
		text := api.mino(append(options, "--duplicates", "skip")...).ok().out
		require.Contains(t, text, "delimiter   ;\n")
		require.Contains(t, text, "duplicates  1, of which 1 skipped\n")
		require.Regexp(t, `(?m)^1 +https://shop.example/1 +red +1.00 \| 2.00$`, text)
		preview := one[wire.Preview](api.mino(append(options, "--rows", "1", "--json")...))
		require.Equal(t, []int{2, 1}, []int{preview.RowCount, len(preview.Rows)})

		refused := api.mino(append(options, "--duplicates", "refuse")...)
		requireCode(t, ExitRefused, refused.err)
		require.ErrorContains(t, refused.err, "the upload would be refused for 1 problem:\n  row 2")
		refused = api.mino(append(options, "--duplicates", "refuse", "--json")...)
		requireCode(t, ExitRefused, refused.err)
		refused.err = nil
		require.False(t, one[wire.Preview](refused).CanBeCreated)
		api.mino(append(options, "--rows", "101")...).fails(ExitRefused, "--rows: must be 1 to 100")
		api.mino(append(options, "--duplicates", "odd")...).fails(ExitRefused, "duplicates: ")

		require.Empty(t, many[wire.Batch](api.mino("batches", "list", "--json")))
		options[1] = "upload"
		made := one[wire.Batch](api.mino(append(options, "--duplicates", "skip", "--delimiter", ";", "--json")...))
		require.Equal(t, 1, made.RowCount)
	})

	t.Run("ComeFromStandardInput", func(t *testing.T) {
		t.Parallel()
		api := newRealAPI(t)
		p := api.project()
		made := commandLineOf(t, Streams{In: strings.NewReader(fourRows)},
			"batches", "upload", "-", "-p", p.Name, "--json", "--api", api.url)
		require.Equal(t, "stdin", one[wire.Batch](made).Name)
	})

	t.Run("SayWhatIsWrongWithThem", func(t *testing.T) {
		t.Parallel()
		api := newRealAPI(t)
		p := api.project()
		wrong := file(t, "wrong.csv", "site_url\nhttps://shop.example/\nno address\n")
		api.mino("batches", "upload", wrong, "-p", p.Name).fails(ExitRefused, "(VALIDATION_ERROR)", "row 2")
		api.mino("batches", "upload", "nowhere.csv", "-p", p.Name).fails(ExitOther, "nowhere.csv")
		api.mino("batches", "upload", wrong, "-p", "no such").fails(ExitRefused, "there is no project")
		api.mino("batches", "upload", wrong).misused("--project")
		api.mino("batches", "show", uuid.NewString()).fails(ExitRefused, "(BATCH_NOT_FOUND)")
		api.mino("batches", "show", "7").misused("invalid UUID")
		batch, jobs := api.batch(p)
		api.executed(batch, jobs)
		api.mino("batches", "rename", batch.ID.String(), " ").fails(ExitRefused, "name: ")
		api.mino("batches", "delete", batch.ID.String()).fails(ExitOther, "pass --yes")
		api.mino("batches", "delete", batch.ID.String(), "--yes").fails(ExitRefused, "(CONFLICT)")
		api.mino("batches", "delete", batch.ID.String(), "--yes", "--cascade").ok()
	})
}
