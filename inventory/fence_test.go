package inventory

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestIncludesStayInTheFolder: an inventory from another person must not read the files
// of the person who checks it.
func TestIncludesStayInTheFolder(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	const secret = "domains: {secret.example: [TOKEN]}\n"
	for _, folder := range []string{"site/domains", "site/we[ir]d", "shared", "outside/secrets"} {
		if err := os.MkdirAll(at(folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{
		"site/domains/a.yaml": "domains: {a.example: }\n", "site/we[ir]d/a.yaml": "domains: {a.example: }\n",
		"shared/s.yaml": "domains: {s.example: }\n", "outside/secrets/token": secret, "outside/x.yaml": secret,
	} {
		if err := os.WriteFile(at(name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{
		"site/inner.yaml": "domains/a.yaml", "site/absolute.yaml": at("site/domains/a.yaml"), "site/outer.yaml": "../outside/x.yaml",
		"site/chain.yaml": "outer.yaml", "site/folder": "../outside", "site/nowhere.yaml": "../outside/none", "site/circle.yaml": "circle.yaml",
		"site/toshared": "../shared", "linked": "site",
	} {
		if err := os.Symlink(target, at(link)); err != nil {
			t.Fatal(err)
		}
	}
	const leads = "leads outside the folder of the inventory"
	for _, test := range []struct {
		it, folder, pattern string
		from                []string
		want                string // part of the fault; empty: the file is read
	}{
		{"takes a file of its folder", "site", "domains/*.yaml", nil, ""},
		{"takes a file of a folder whose name has pattern letters", "site/we[ir]d", "a.yaml", nil, ""},
		{"takes a path that comes back", "site", "../site/domains/a.yaml", nil, ""},
		{"takes an absolute path within", "site", at("site/domains/*.yaml"), nil, ""},
		{"takes a link to a file within", "site", "inner.yaml", nil, ""},
		{"takes an absolute link to a file within", "site", "absolute.yaml", nil, ""},
		{"takes its folder by a link", "linked", "domains/a.yaml", nil, ""},
		{"refuses a file above", "site", "../outside/x.yaml", nil, leads},
		{"refuses a pattern above", "site", "../outside/*", nil, leads},
		{"refuses to say that there is no such file", "site", "../outside/none", nil, leads},
		{"refuses to say that there is no such folder", "site", "../none/x", nil, leads},
		{"refuses a way up behind a pattern", "site", "*/../../outside/x.yaml", nil, leads},
		{"refuses an absolute way up behind a pattern", "site", at("site/*/../../outside/x.yaml"), nil, leads},
		{"refuses escaped dots as no way up", "site", `\.\./outside/x.yaml`, nil, "matches no file"},
		{"refuses the environment", "site", "/proc/self/environ", nil, leads},
		{"refuses a link that leads outside", "site", "outer.yaml", nil, leads},
		{"refuses a link to such a link", "site", "chain.yaml", nil, leads},
		{"refuses a folder that is such a link", "site", "folder/x.yaml", nil, leads},
		{"refuses what a pattern finds behind such a link", "site", "fold*/x.yaml", nil, leads},
		{"refuses the folder itself behind such a link", "site", "fold*", nil, leads},
		{"refuses a link to nowhere", "site", "nowhere.yaml", nil, leads},
		{"refuses a link in a circle", "site", "circle.yaml", nil, leads},
		{"takes a file of another folder that is named", "site", "../shared/*.yaml", []string{at("shared")}, ""},
		{"takes it by an absolute path", "site", at("shared/s.yaml"), []string{at("shared")}, ""},
		{"takes it by a link", "site", "toshared/s.yaml", []string{at("outside"), at("shared")}, ""},
		{"refuses a third folder", "site", "../outside/x.yaml", []string{at("shared")}, leads},
		{"refuses a folder whose name begins alike", "site", "../shared2/x.yaml", []string{at("shared")}, leads},
		{"says which folder is not there", "site", "domains/*.yaml", []string{at("none")}, "--include-from \"" + at("none") + "\": cannot lstat"},
		{"refuses a folder without a name", "site", "domains/*.yaml", []string{""}, `--include-from "": it is empty`},
		{"refuses a folder that is none", "site", "domains/*.yaml", []string{at("shared/s.yaml")}, "it is no folder"},
	} {
		t.Run(test.it, func(t *testing.T) {
			path := at(test.folder + "/mail.yaml")
			text := "version: 1\nhost: {name: mx1.example.net}\ninclude: ['" + test.pattern + "']\n"
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			m, faults, err := Load(path, nil, test.from...)
			said := ""
			if err != nil {
				said = err.Error()
			} else {
				said = printed(t, m, faults)
			}
			if strings.Contains(said, "TOKEN") || strings.Contains(said, "secrets") {
				t.Errorf("it tells what lies outside:\n%s", said)
			}
			switch {
			case test.want == "" && (said != "" || len(m.Domains) != 1):
				t.Errorf("it says %s", said)
			case !strings.Contains(said, test.want):
				t.Errorf("%q is missing in\n%s", test.want, said)
			}
		})
	}
}

func TestIncludesOfStandardInput(t *testing.T) {
	dir := t.TempDir()
	work := filepath.Join(dir, "work")
	if err := errors.Join(os.Mkdir(work, 0o755), os.WriteFile(filepath.Join(work, "a.yaml"), nil, 0o644), os.WriteFile(filepath.Join(dir, "b.yaml"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	t.Chdir(work)
	for pattern, want := range map[string]string{"a.yaml": "", "../b.yaml": `stdin:3:10: error[VM012]: include pattern "../b.yaml" leads outside the folder of the inventory, "."`} {
		m, faults, err := Load("-", strings.NewReader("version: 1\nhost: {name: mx1.example.net}\ninclude: "+pattern+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		if got := printed(t, m, faults); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%s: %s", pattern, got)
		}
	}
}
