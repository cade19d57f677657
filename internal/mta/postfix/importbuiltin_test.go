package postfix_test

import (
	"os"
	"path/filepath"
	"testing"

	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix"
)

// TestImportAsksTheInstalledPostfix: the alias file of a main.cf that names none is the one of
// the installed Postfix. For a copy of the folder on another machine it is not asked.
func TestImportAsksTheInstalledPostfix(t *testing.T) {
	dir, bin := t.TempDir(), t.TempDir()
	t.Setenv("PATH", bin)
	for path, text := range map[string]string{
		filepath.Join(dir, "main.cf"): "myhostname = mx1.example.net\nvirtual_alias_domains = d.example\nvirtual_alias_maps = texthash:" + dir + "/virtual\n",
		filepath.Join(dir, "virtual"): "info@d.example staff\n",
		filepath.Join(dir, "mailers"): "ops root\n",
		filepath.Join(bin, "postconf"): "#!/bin/sh\ncase \"$*\" in\n-hx*) echo " + bin + "; echo /x; echo no; echo /x; echo /x ;;\n" +
			"-hd*) echo " + dir + " ;;\n-d) echo 'alias_maps = texthash:" + dir + "/mailers' ;;\nesac\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	known := func() bool {
		s, err := postfix.Server.Import(dir, mta.Host{Name: "mx1.example.net"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		return s.Delivers("ops")
	}
	if !known() {
		t.Error("the alias file of the installed Postfix is not read")
	}
	if err := os.WriteFile(filepath.Join(bin, "postconf"), []byte("#!/bin/sh\necho /x; echo /x; echo /x; echo /x; echo /x\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if known() {
		t.Error("the installed Postfix is asked about another folder")
	}
}
