package maincf

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
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

// A judge compares one configuration with what postconf says.
type judge struct {
	t      *testing.T
	p      postconf
	c      *Config
	failed bool
}

// fail records that the two differ.
func (j *judge) fail(format string, args ...any) {
	j.failed = true
	j.t.Errorf(format, args...)
}

// read returns what postconf prints, by line.
func (j *judge) read(args ...string) []string {
	out, errOut, err := j.p.ask(args...)
	if err != nil {
		j.fail("postconf %s: %v\n%.2000s", args[0], err, errOut)
	}
	return strings.Split(strings.TrimSuffix(out, "\n"), "\n")
}

// refused reports whether postconf refuses the files, and checks that there is a problem then.
// A value that cannot be worked out is only refused when postconf needs it.
func (j *judge) refused() bool {
	lines, values := false, false
	for _, p := range j.c.Problems {
		ofValue := strings.Contains(p.Text, "cannot be worked out")
		lines, values = lines || p.Fatal && !ofValue, values || ofValue
	}
	for _, s := range j.c.Services() {
		for _, o := range s.Overrides {
			_, fault := scope{config: j.c, service: &s}.expanded(o.Name)
			values = values || fault != ""
		}
	}
	_, errOut, err := j.p.ask("-n")
	// postconf works out myhostname and mydomain before it knows compatibility_level; daemons
	// know it.
	early := strings.Contains(errOut, "mail_dict: macro processing error")
	if lines && err == nil || err != nil && !lines && !values && !early {
		j.fail("problems %v, postconf says %v %s", j.c.Problems, err, errOut)
	}
	return err != nil
}

// params compares all values.
func (j *judge) params() (n int) {
	names := tableNames()
	asked := 0
	names = slices.DeleteFunc(names, func(name string) bool {
		_, fault := scope{config: j.c}.expanded(name)
		if fault != "" && asked < 2 {
			asked++
			if _, _, err := j.p.ask("-hx", name); err == nil {
				j.fail("%s has a fault, and none for postconf: %s", name, fault)
			}
		}
		return fault != ""
	})
	got := j.read(append([]string{"-hx"}, names...)...)
	if len(got) != len(names) {
		j.fail("postconf has %d values, want %d", len(got), len(names))
		return 0
	}
	for i, name := range names {
		if ours := oneBlank(j.c.Param(name)); ours != got[i] {
			j.fail("Param(%q) = %q, postconf says %q", name, ours, got[i])
		}
	}
	return len(names)
}

var overriding = regexp.MustCompile(`main\.cf, line (\d+): overriding earlier entry: ([^=]*)=(.*)`)

// sets compares the values as they are set, and the lines of entries that override others.
func (j *judge) sets() (values, overridden int) {
	out, errOut, err := j.p.ask("-n")
	if err != nil {
		j.fail("%v %s", err, errOut)
	}
	printed := map[string]string{}
	for line := range strings.Lines(out) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " =")
		printed[name] = strings.TrimPrefix(value, " ")
	}
	for name, want := range printed {
		if got, _, ok := j.c.Set(name); name != "config_directory" && (!ok || oneBlank(got) != want) {
			j.fail("Set(%q) = %q %v, postconf says %q", name, got, ok, want)
		}
	}
	for _, name := range tableNames() {
		_, _, ok := j.c.Set(name)
		if _, want := printed[name]; ok != want {
			j.fail("%q is set: %v, postconf says %v", name, ok, want)
		}
	}
	told := map[string]bool{}
	for _, m := range overriding.FindAllStringSubmatch(errOut, -1) {
		told[m[1]+" "+m[2]] = true
	}
	ours := map[string]bool{}
	for i, e := range j.c.entries {
		for _, before := range slices.Backward(j.c.entries[:i]) {
			if before.Name == e.Name {
				if before.Value != e.Value {
					ours[fmt.Sprint(e.Line, " ", e.Name)] = true
				}
				break
			}
		}
	}
	if !maps.Equal(told, ours) {
		j.fail("overriding entries %v, postconf says %v", ours, told)
	}
	return len(printed), len(ours)
}

// services compares the services and their parameters.
func (j *judge) services() int {
	var lines, raws, expanded []string
	whole := true
	for _, s := range j.c.Services() {
		lines = append(lines, shown(s))
		seen := map[string]bool{}
		for _, o := range slices.Backward(s.Overrides) {
			if seen[o.Name] {
				continue
			}
			seen[o.Name] = true
			head := s.Name + "/" + s.Type + "/" + o.Name + " = "
			raws = append(raws, oneBlank(head+o.Value))
			if _, fault := (scope{config: j.c, service: &s}).expanded(o.Name); fault != "" {
				whole = false
			}
			expanded = append(expanded, oneBlank(head+j.c.ParamOf(s, o.Name)))
		}
	}
	j.same("-M", lines)
	j.same("-P", raws)
	if whole {
		j.same("-Px", expanded)
	}
	return len(lines)
}

// shown returns a service as postconf -M prints it, with single blanks.
func shown(s Service) string {
	fields := []string{s.Name, s.Type, s.Private, s.Unprivileged, s.Chroot, s.Wakeup, s.MaxProcesses, s.Command}
	for _, arg := range s.Args {
		if strings.ContainsAny(arg, " \t\r\n") {
			arg = "{" + arg + "}"
		}
		fields = append(fields, arg)
	}
	return oneBlank(strings.Join(fields, " "))
}

// same compares lines in any order.
func (j *judge) same(option string, ours []string) {
	var theirs []string
	for _, line := range j.read(option) {
		if line != "" {
			theirs = append(theirs, oneBlank(line))
		}
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	if !slices.Equal(ours, theirs) {
		j.fail("the services are\n%s\npostconf %s says\n%s", strings.Join(ours, "\n"), option, strings.Join(theirs, "\n"))
	}
}
