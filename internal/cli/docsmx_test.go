package cli

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"virtmap/mxcheck"
	"virtmap/sending"
)

// idsHeading is above the table of ids in docs/mx.md, which is at the end of the page.
const idsHeading = "## The ids\n"

// everyID returns that part of docs/mx.md.
func everyID() string {
	var text strings.Builder
	text.WriteString(idsHeading + `
The second column is the verdict. By it a build serves a domain (write), leaves it as it is (keep), holds it back (hold), or
relays its mail (relay).

| id | verdict | meaning | from |
| --- | --- | --- | --- |
`)
	for _, r := range mxcheck.Rules {
		fmt.Fprintf(&text, "| `%s` | %s, %s | %s | %s |\n", r.ID, r.Level, r.Action, r.Meaning, r.Basis)
	}
	text.WriteString(`
With --sending, the verdict of a finding may be lower than the one here: a key of 1024 bits is a warning, and one of 512 an error.

| id | verdict | meaning | from |
| --- | --- | --- | --- |
`)
	for _, r := range sending.Rules {
		fmt.Fprintf(&text, "| `%s` | %s | %s | %s |\n", r.ID, r.Level, r.Meaning, r.Basis)
	}
	return text.String()
}

// TestTableOfIDs compares the table of docs/mx.md with the rules of mxcheck and sending.
// VIRTMAP_UPDATE=1 writes it.
func TestTableOfIDs(t *testing.T) {
	head, table, _ := strings.Cut(pageOf(t, "docs/mx.md"), idsHeading)
	if *update {
		if err := os.WriteFile("../../docs/mx.md", []byte(head+everyID()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want := everyID(); idsHeading+table != want {
		t.Errorf("docs/mx.md: VIRTMAP_UPDATE=1 rewrites its table, which should be\n%s", want)
	}
}
