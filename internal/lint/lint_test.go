package lint_test

import (
	"strings"
	"testing"

	"virtmap/internal/mta/servers"
)

// known are the checks of all mail servers.
var known = servers.Checks()

// TestCatalogue checks the list of the checks of all packages: every id occurs once,
// and has a name and a sentence.
func TestCatalogue(t *testing.T) {
	ids, names := map[string]bool{}, map[string]bool{}
	for _, c := range known.All() {
		if ids[c.ID] || names[c.Name] {
			t.Errorf("%s %s is declared twice", c.ID, c.Name)
		}
		ids[c.ID], names[c.Name] = true, true
		if len(c.ID) != 5 || !strings.HasPrefix(c.ID, "VM") || c.Name == "" || !strings.HasSuffix(c.Rule, ".") {
			t.Errorf("%+v is not whole", c)
		}
	}
}
