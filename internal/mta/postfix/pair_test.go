package postfix_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix"
)

// TestAListThatCannotBeOpenedMayHaveADomain compares an installed set with its own build.
// An address at another server ends at the same recipient in both sets, unless a list of
// domains cannot be read: the list may have the domain of the address.
func TestAListThatCannotBeOpenedMayHaveADomain(t *testing.T) {
	b := shopBuild(t, shop)
	list := "texthash:/etc/postfix/virtmap-domains"
	for what, c := range map[string]struct {
		list   string
		change func(path string) error
		same   bool
	}{
		"as written":         {same: true},
		"a type of a server": {list: "mysql:/etc/postfix/virtmap-domains"},
		"a missing text":     {change: os.Remove, same: true}, // it counts as empty
		"a folder":           {change: func(path string) error { return errorsOf(os.Remove(path), os.Mkdir(path, 0o755)) }},
	} {
		dir := shopFolder(t, b, map[string]string{})
		main := shopMain(b)
		if c.list != "" {
			main = strings.ReplaceAll(main, list, c.list)
		}
		if c.change != nil {
			if err := c.change(filepath.Join(dir, "virtmap-domains")); err != nil {
				t.Fatal(err)
			}
		}
		main = strings.ReplaceAll(main, "/etc/postfix/", dir+"/")
		if err := os.WriteFile(filepath.Join(dir, "main.cf"), []byte(main), 0o644); err != nil {
			t.Fatal(err)
		}
		found := postfix.Server.Find(mta.Folder{Dir: dir, Host: "mx1.shop.test", Tell: func(string) {}})
		pair, err := found.Pair(b, nil)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if same := pair.Same([]byte("x@partner.example")); same != c.same {
			t.Errorf("%s: the address ends at the same recipient: %t", what, same)
		}
		if err := found.Close(); err != nil {
			t.Error(err)
		}
	}
}
