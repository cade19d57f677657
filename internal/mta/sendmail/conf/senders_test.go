package conf

import (
	"os"
	"path/filepath"
	"testing"

	"virtmap/internal/mta/sendmail/mcfile"
)

// TestClassG has the forms in which a submit.cf names the domains of the genericstable.
func TestClassG(t *testing.T) {
	file := filepath.Join(t.TempDir(), "domains")
	if err := os.WriteFile(file, []byte("# ours\nother.example\nMX1.example.net second\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	const below = "SMasqHdr\nR$+ < @ $* $=G . >\t< $1@$2$3 > $1 < @ $2$3 . > @\n"
	for _, c := range []struct {
		it, lines string
		gap       bool
	}{
		{"has the name", "CGother.example mx1.example.net\n", false},
		{"has the name in capitals", "C{G}MX1.Example.NET\n", false},
		{"has the macro of the name", "C{G}$j\n", false},
		{"has a file with the name", "F{G}" + file + "\n", false},
		{"has a file that is missing", "F{G}" + file + ".old\n", true},
		{"has the parent domain, and names below count", "CGexample.net\n" + below, false},
		{"has the parent domain", "CGexample.net\n", true},
		{"has a name that ends like it", "CGple.net\n" + below, true},
		{"has a name below it", "CGa.mx1.example.net\n" + below, true},
		{"has the name in another class", "Cwmx1.example.net\n", true},
	} {
		config := Parse("Kgenerics hash /etc/mail/virtmap-generics\n" + c.lines + "SMasqEnv\nR$+\t$@ $>MasqHdr $1\n")
		what, _ := config.LacksGenerics(mcfile.Settings{MailDir: "/etc/mail", Map: "hash"}, "mx1.example.net")
		if (what != "") != c.gap {
			t.Errorf("it %s: the gap is %q", c.it, what)
		}
	}
}
