package postfix_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix"
)

// TestTheLastOfManyRowsIsFound has more addresses than are asked of a table of rules. A
// table of the site whose rows can be listed has only the last of them.
func TestTheLastOfManyRowsIsFound(t *testing.T) {
	const n = 12_000
	var text strings.Builder
	text.WriteString(strings.Replace(shop, "texthash", "cdb", 1) + "  b.test:\n    addresses:\n      root: andrei\n")
	for i := range n {
		fmt.Fprintf(&text, "      user%05d: andrei\n", i)
	}
	b := shopBuild(t, text.String())
	last := fmt.Sprintf("user%05d@b.test", n-1)
	for _, typ := range mapfile.Named([]string{"hash", "cdb", "lmdb", "texthash"}) {
		element := typ.Name + ":/etc/postfix/site"
		main := strings.Replace(shopMain(b), "virtual_alias_maps = ", "virtual_alias_maps = "+element+", ", 1)
		dir := shopFolder(t, b, map[string]string{"main.cf": main, "site": "other@b.test x\n" + last + " y\n"})
		if typ.Write != nil {
			file, err := os.Create(filepath.Join(dir, "site"+typ.Suffix))
			if err != nil {
				t.Fatal(err)
			}
			if err := errorsOf(typ.Write(file, mapfile.Pairs{{"other@b.test", "x"}, {last, "y"}}), file.Close()); err != nil {
				t.Fatal(err)
			}
		}
		c, err := postfix.Server.Conf(dir, false)
		if err != nil {
			t.Fatal(err)
		}
		gaps := c.Reading(b, dir, time.Time{}, mta.Remembered{}).Gaps
		if len(gaps) != 1 || !strings.Contains(gaps[0].What, "it has "+last) {
			t.Errorf("%s: the gaps are %+v", typ.Name, gaps)
		}
	}
}
