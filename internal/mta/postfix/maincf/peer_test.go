package maincf

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"virtmap/internal/workshop/peer"
)

// A postconf is the real postconf with a folder of its own.
type postconf struct {
	command []string
	dir     string
}

func newPostconf(t testing.TB) postconf {
	t.Helper()
	return postconf{peer.Postfix(t, "postconf"), t.TempDir()}
}

// write writes a file of the folder. The file is old: postconf waits until a fresh file is a
// second old.
func (p postconf) write(t testing.TB, name, text string) {
	t.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
}

// ask runs postconf.
func (p postconf) ask(args ...string) (out, errOut string, err error) {
	command := slices.Concat(p.command[1:], []string{"-c", p.dir}, args)
	return peer.Try("", p.command[0], command...)
}

// oneBlank replaces each run of blanks by one, as postconf does when it prints.
func oneBlank(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n", r) }), " ")
}

// tableNames are the names of all built-in values, sorted. The interfaces of the machine
// decide about mynetworks, and postconf prints no virtual_maps.
func tableNames() []string {
	names := append(slices.Collect(maps.Keys(defaults)), "myhostname", "mydomain")
	names = slices.DeleteFunc(names, func(name string) bool { return name == "mynetworks" || name == "virtual_maps" })
	slices.Sort(names)
	return names
}

func TestBuiltInValuesAreThoseOfPostconf(t *testing.T) {
	p := newPostconf(t)
	p.write(t, MainName, "")
	p.write(t, MasterName, "")
	j := judge{t: t, p: p}
	n := 0
	for _, line := range j.read("-d") {
		name, value, _ := strings.Cut(line, " =")
		ours, known := defaults[name]
		if !known || name == "mynetworks" {
			continue
		}
		n++
		if oneBlank(ours) != oneBlank(value) {
			t.Errorf("%s is %q, want %q", name, ours, value)
		}
	}
	if want := len(defaults) - 2; n != want {
		t.Errorf("postconf has %d of the built-in values, want %d", n, want)
	}
}

func TestGeneratedFilesAreReadAsPostconfReadsThem(t *testing.T) {
	command := peer.Postfix(t, "postconf")
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	cases := peer.Campaign(100)
	counts := make([]counts, cases)
	running := make(chan bool, 8) // a program of Postfix sleeps before it ends with an error
	for seed := range cases {
		p, g := postconf{command, t.TempDir()}, newGenerator(uint64(seed))
		p.write(t, MainName, g.main())
		p.write(t, MasterName, g.master())
		running <- true
		go func() {
			defer func() { <-running }()
			counts[seed] = compare(t, p, host)
		}()
	}
	for range cap(running) {
		running <- true
	}
	var sum [5]int
	for _, c := range counts {
		for i, n := range c {
			sum[i] += n
		}
	}
	t.Logf("%d files refused by both; %d values, %d set values, %d overridden entries, %d services compared", sum[0], sum[1], sum[2], sum[3], sum[4])
	if sum[0] < cases/50 || sum[0] > cases/2 || slices.Contains(sum[1:], 0) {
		t.Error("the cases are too much alike")
	}
}

func TestLimitsAreThoseOfPostconf(t *testing.T) {
	p := newPostconf(t)
	p.write(t, MasterName, "")
	chain := func(n int) string {
		var text strings.Builder
		text.WriteString("relayhost = $p1\n")
		for i := range n {
			fmt.Fprintf(&text, "p%d = $p%d\n", i+1, i+2)
		}
		fmt.Fprintf(&text, "p%d = end\n", n+1)
		return text.String()
	}
	for name, test := range map[string]struct {
		text string
		want bool // there is a value
	}{
		"99 references":  {chain(98), true},
		"100 references": {chain(99), true},
		"101 references": {chain(100), false},
		"level 3.1023":   {"relayhost = ${{3.1023.1023} >level {4095} ? {} : {end}}\n", true},
		"level 3.1024":   {"relayhost = ${{3.1024} >level {4095} ? {} : {end}}\n", false},
		"level 3.6.1.2":  {"relayhost = ${{3.6.1.2} >level {4} ? {} : {end}}\n", false},
		"large numbers":  {"relayhost = ${{00123456789012345678} == {123456789012345678} ? {end}}\n", true},
	} {
		p.write(t, MainName, test.text)
		out, errOut, err := p.ask("-hx", "relayhost")
		if got := parse(test.text).Param("relayhost"); (got == "end") != test.want || (err == nil && out == "end\n") != test.want {
			t.Errorf("%s: Param says %q, postconf says %q %v %.300s", name, got, out, err, errOut)
		}
	}
}

func TestShippedFilesAreReadAsPostconfReadsThem(t *testing.T) {
	p := newPostconf(t)
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{MainName, MasterName} {
		text, err := os.ReadFile(filepath.Join(os.Getenv("VIRTMAP_POSTFIX"), "usr/share/postfix", name+".dist"))
		if err != nil {
			t.Fatal(err)
		}
		p.write(t, name, string(text))
	}
	if n := compare(t, p, host); n[0] != 0 || n[4] < 20 {
		t.Errorf("refused, values, set values, overridden entries and services are %v", n)
	}
}

// counts are the number of files that both refuse, and of what was compared: values, set
// values, overridden entries, services.
type counts [5]int

// compare compares the configuration in a folder.
func compare(t *testing.T, p postconf, host string) (n counts) {
	c, err := Read(p.dir)
	if err != nil {
		t.Error(err)
		return n
	}
	c.Hostname = host
	j := judge{t: t, p: p, c: c}
	if j.refused() {
		n[0] = 1
	} else {
		n[1] = j.params()
		n[2], n[3] = j.sets()
		n[4] = j.services()
	}
	if j.failed {
		text, _ := os.ReadFile(c.Path)
		master, _ := os.ReadFile(filepath.Join(p.dir, MasterName))
		t.Errorf("the main.cf is\n%s\nand the master.cf\n%s", text, master)
	}
	return n
}
