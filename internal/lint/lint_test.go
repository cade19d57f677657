package lint

import (
	"slices"
	"strings"
	"testing"

	"virtmap/internal/mta"
	"virtmap/internal/mta/exim"
	"virtmap/internal/mta/opensmtpd"
	"virtmap/internal/mta/postfix"
	"virtmap/internal/mta/sendmail"
)

// all are the mail servers. Package servers has them too, and imports this package.
var all = []*mta.Server{sendmail.Server, postfix.Server, exim.Server, opensmtpd.Server}

// known are the checks of all mail servers.
var known = func() (k Known) {
	for _, s := range all {
		k.Compile, k.Edit = slices.Concat(k.Compile, s.Checks), slices.Concat(k.Edit, s.EditChecks)
	}
	return k
}()

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
