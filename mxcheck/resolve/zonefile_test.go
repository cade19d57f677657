package resolve

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"virtmap/mxcheck"
)

const zoneHead = "$TTL 3600\n@ IN SOA ns.x. h.x. 1 2 3 4 300\n@ IN NS ns.x.\n"

// load reads a zone text as fakemail.example.zone, in a folder with the files
// beside.
func load(t *testing.T, text string, beside map[string]string) (*Zones, string) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range beside {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "fakemail.example.zone")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	zones, faults, err := LoadZones([]string{file})
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, f := range faults {
		kind := "warning"
		if f.Fatal {
			kind = "error"
		}
		name, _ := filepath.Rel(dir, f.File)
		texts = append(texts, fmt.Sprintf("%s:%d: %s: %s", name, f.Line, kind, f.Text))
	}
	return zones, strings.Join(texts, "\n")
}

// TestZoneFaults reads zone files that name servers refuse, or read in another way
// than a person does.
func TestZoneFaults(t *testing.T) {
	const file = "fakemail.example.zone"
	for name, c := range map[string]struct{ text, want string }{
		"a good one":               {zoneHead + "@ MX 10 mx\n", ""},
		"a last line that was cut": {zoneHead + "@ IN MX ", file + ":4: error: the MX record of fakemail.example has no data"},
		"an address that was cut":  {zoneHead + "foo IN A\r\n", file + ":4: error: the A record of foo.fakemail.example has no data"},
		"no owner":                 {"$TTL 3600\n IN SOA ns.x. h.x. 1 2 3 4 300\n", file + ":2: error: the record has no name, and none stands before it"},
		"no SOA":                   {"$TTL 3600\n@ NS ns.x.\n", file + ":0: error: the zone has no SOA record"},
		"nothing":                  {"", file + ":0: error: the zone has no SOA record"},
		"two SOAs":                 {zoneHead + "@ SOA ns h 2 2 3 4 600\n", file + ":4: error: a second SOA record, of fakemail.example"},
		"another zone":             {"$ORIGIN fakemial.example.\n" + zoneHead, file + ":3: error: the SOA record is of fakemial.example, and the file is of fakemail.example"},
		"no NS":                    {"$TTL 3600\n@ SOA ns.x. h.x. 1 2 3 4 300\n", file + ":2: warning: the zone has no NS records"},
		"no times to live":         {"@ IN SOA ns.x. h.x. 1 2 3 4 300\n@ 60 IN NS ns.x.\n@ IN MX 10 mx\n", file + ":1: warning: the record has no time to live; name servers take 300 seconds, or one of their own"},
		"a time to live too long":  {zoneHead + "@ 4294967290 MX 10 mx\n", file + ":4: warning: the time to live 4294967290 counts as 0"},
		"another class":            {zoneHead + "@ CH MX 10 mx\n", file + ":4: error: the record of fakemail.example is of class CH"},
		"an alias and more, over several lines": {zoneHead + "a (\n CNAME ; with a ) in a comment\n b )\n\na (\n A\n 192.0.2.1 )\n",
			file + ":8: error: a.fakemail.example is an alias (CNAME) and has other records beside it; name servers refuse such a zone"},
		"an alias of two names":      {zoneHead + "a CNAME b\na CNAME c\n", file + ":5: error: a.fakemail.example is an alias of two names; name servers refuse such a zone"},
		"the same alias twice":       {zoneHead + "a 60 CNAME b\na 120 CNAME b\n", ""},
		"two DNAMEs":                 {zoneHead + "a DNAME b\na DNAME c\n", file + ":5: error: a.fakemail.example has two DNAME records"},
		"syntax":                     {zoneHead + "a MX ten mx\n", file + `:4: error: bad MX Pref: "ten"`},
		"a comment of another world": {zoneHead + "# the comment\n", file + `:4: error: not a TTL: "the"`},
		"a mark in front":            {"\xef\xbb\xbf" + zoneHead + "@ MX 10 mx\n", ""},
		"a name with other letters":  {zoneHead + "b\xc3\xbccher MX 10 mx\n", file + `:4: warning: bücher.fakemail.example has characters that no mail domain has and is left out`},
		"a file that is not there":   {zoneHead + "$INCLUDE nowhere\n", file + ":4: error: failed to open `nowhere': open nowhere: no such file or directory"},
		"a file of another folder":   {zoneHead + "$INCLUDE ../secret\n", file + ":4: error: failed to open `../secret'"},
		"a fault in another file":    {zoneHead + "@ MX 10 mx\n$INCLUDE sub/bad.inc\n", `sub/bad.inc:2: error: bad MX Pref: "ten"`},
		"an alias in another file":   {zoneHead + "a CNAME b\n$INCLUDE sub/clash.inc\n", "sub/clash.inc:3: error: a.fakemail.example is an alias (CNAME)"},
	} {
		t.Run(name, func(t *testing.T) {
			_, got := load(t, c.text, map[string]string{"sub/bad.inc": "x MX 1 mx\ny MX ten mx\n", "sub/clash.inc": "; a\n\na MX 10 mx\n"})
			if got != c.want && !(c.want != "" && strings.HasPrefix(got, c.want)) {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// TestZoneAnswers compares with the answers of NSD 4.6 and BIND 9.18.
func TestZoneAnswers(t *testing.T) {
	zones, faults := load(t, zoneHead+`e\120 MX 10 mx
up.LOW MX 10 MX.Example.NET.
two 60 MX 10 a
two 120 MX 10 a
two 120 MX 20 b
deep.er.name A 192.0.2.1
*.w MX 10 wild
x.w TXT here
d DNAME .
long MX 10 mx
`, nil)
	if faults != "" {
		t.Fatal(faults)
	}
	for asked, want := range map[string]string{
		"ex MX":           "ex.fakemail.example. 3600 MX 10 mx.fakemail.example.",
		"up.low MX":       "up.low.fakemail.example. 3600 MX 10 mx.example.net.",
		"two MX":          "two.fakemail.example. 60 MX 10 a.fakemail.example. two.fakemail.example. 60 MX 20 b.fakemail.example.",
		"er.name MX":      "nothing",
		"none.er.name MX": "no name",
		"any.w MX":        "any.w.fakemail.example. 3600 MX 10 wild.fakemail.example.",
		"any.x.w MX":      "no name",
		"x.w MX":          "nothing",
		"w MX":            "nothing",
		"a.b.d MX":        "a.b.d.fakemail.example. 3600 CNAME a.b.",
	} {
		name, typ, _ := strings.Cut(asked, " ")
		q := mxcheck.Question{Name: name + ".fakemail.example", Type: mxcheck.TypeMX}
		if typ != "MX" {
			t.Fatal(typ)
		}
		if got := say(zones.Ask(context.Background(), q)); got != want {
			t.Errorf("%s: %s, want %s", asked, got, want)
		}
	}
}

func say(a mxcheck.Answer) string {
	var all []string
	for _, r := range append(a.Aliases, a.Records...) {
		all = append(all, r.String())
	}
	switch {
	case a.Failure != "":
		return string(a.Failure)
	case a.NoName:
		return "no name"
	case len(all) == 0:
		return "nothing"
	}
	return strings.Join(all, " ")
}

// TestRootZone has a wildcard and a DNAME in the root zone.
func TestRootZone(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "root")
	if err := os.WriteFile(file, []byte(zoneHead+"*. MX 10 mx.x.\nd. DNAME .\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	zones, faults, err := LoadZones([]string{file + ":."})
	if err != nil || len(faults) > 0 {
		t.Fatal(faults, err)
	}
	for name, want := range map[string]string{"foo": "foo. 3600 MX 10 mx.x.", "x.d": "x.d. 3600 CNAME x."} {
		if got := say(zones.Ask(context.Background(), mxcheck.Question{Name: name, Type: mxcheck.TypeMX})); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// TestLargeZones reads files that would take minutes if the time were not
// proportional to their size.
func TestLargeZones(t *testing.T) {
	var one, deep strings.Builder
	one.WriteString(zoneHead)
	deep.WriteString(zoneHead)
	for i := range 40_000 {
		fmt.Fprintf(&one, "@ MX %d mx%d\n", i, i)
	}
	for i := range 10_000 {
		fmt.Fprintf(&deep, "n%d.%sz MX 10 mx\n", i, strings.Repeat("a.", 100))
	}
	includes := strings.Repeat("$INCLUDE self\n", 20)
	for name, c := range map[string]struct{ text, want string }{
		"many records of one name":                 {one.String(), ""},
		"names of many labels":                     {deep.String(), ""},
		"a file that includes itself twenty times": {zoneHead + includes, "self:1: error: too deeply nested $INCLUDE"},
	} {
		if _, got := load(t, c.text, map[string]string{"self": includes}); !strings.HasPrefix(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestReadingTellsZonesApart: every file that was read has a digest, and no other
// file has one.
func TestReadingTellsZonesApart(t *testing.T) {
	included := "@ MX 10 mx\n"
	zones, faults := load(t, "\xef\xbb\xbf"+zoneHead+"$INCLUDE sub/mx.inc\n$INCLUDE sub/mx.inc\n", map[string]string{"sub/mx.inc": included, "sub/other.inc": ""})
	if faults != "" {
		t.Fatal(faults)
	}
	r := zones.Reading()
	if len(r.Files) != 1 || len(r.Digests) != 2 {
		t.Fatal(r)
	}
	file := r.Files[0]
	for _, path := range []string{file, filepath.Join(filepath.Dir(file), "sub", "mx.inc")} {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := r.Digests[path], fmt.Sprintf("%x", sha256.Sum256(content)); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if files, err := ZoneFiles([]string{filepath.Dir(file)}); err != nil || !slices.Equal(files, r.Files) {
		t.Errorf("the folder stands for %q, %v", files, err)
	}
}

// TestReadingOfWhatChanges: a file that changes between two readings has no digest.
func TestReadingOfWhatChanges(t *testing.T) {
	l := zoneLoader{zoneFile: zoneFile{path: "zone"}, digests: map[string]string{}}
	for _, c := range []struct{ text, want string }{{"one", fmt.Sprintf("%x", sha256.Sum256([]byte("one")))}, {"two", changed}, {"two", changed}} {
		file, err := fstest.MapFS{"mx.inc": {Data: []byte(c.text)}}.Open("mx.inc")
		if err != nil {
			t.Fatal(err)
		}
		in := l.countLines(file, "mx.inc")
		for err == nil {
			_, err = in.ReadByte()
		}
		if got := l.digests["mx.inc"]; got != c.want {
			t.Errorf("%q after %s", got, c.text)
		}
	}
}
