package program_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/mta/sendmail"
	"virtmap/internal/mta/sendmail/conf"
	"virtmap/internal/mta/sendmail/program"
	"virtmap/internal/outcome"
	"virtmap/internal/workshop/peer"
	"virtmap/virtuser"
)

// TestGeneratedConfigurations makes random sendmail.mc files. m4 makes the sendmail.cf of
// each, and sendmail is asked for its classes, its virtusertable, its replies to RCPT and
// its recipients. They are the same as those of package conf and of the Router. conf reads
// the same from the sendmail.mc alone.
func TestGeneratedConfigurations(t *testing.T) {
	t.Parallel()
	p := installed(t)
	root := peer.SafeDir(t)
	const workers = 2
	total := peer.Campaign(24)
	var asked [workers]int
	t.Run("configurations", func(t *testing.T) {
		for w := range workers {
			t.Run(fmt.Sprint(w), func(t *testing.T) {
				t.Parallel()
				for seed := w; seed < total; seed += workers {
					dir := filepath.Join(root, fmt.Sprint("seed", seed))
					asked[w] += tryConfiguration(t, p, generate(seed, dir))
					if err := os.RemoveAll(dir); err != nil {
						t.Error(err)
					}
				}
			})
		}
	})
	t.Logf("%d configurations, %d addresses", total, asked[0]+asked[1])
	if asked[0]+asked[1] < 40*total {
		t.Errorf("only %d addresses were asked", asked[0]+asked[1])
	}
}

// A trial is a configuration, with which sendmail and the Router are asked.
type trial struct {
	*testing.T
	*generated
	p      *program.Program
	cf     string
	set    *sendmail.Installed
	faults []string
}

func tryConfiguration(t *testing.T, p *program.Program, g *generated) (asked int) {
	t.Helper()
	x := &trial{T: t, generated: g, p: p, cf: g.write(t, p.CF)}
	_, _, _ = peer.Try("", "sendmail", "-bi", "-C", x.cf) // an error for a stab file, which has no map, is right
	x.sameLayout()
	set, err := sendmail.Open(g.dir, "mx1.example.net", func(name string) bool { return slices.Contains(accounts(t), name) })
	if err != nil {
		t.Fatalf("%v\n%s", err, g.mc.String())
	}
	defer set.Close()
	x.set = set
	x.sameClasses()
	x.sameRows()
	x.sameAnswers()
	if len(x.faults) > 0 {
		t.Errorf("%s: %d differ:\n%s\n\n%s", filepath.Base(g.dir), len(x.faults), strings.Join(x.faults[:min(8, len(x.faults))], "\n"), g.shown())
	}
	return len(g.addresses)
}

func (x *trial) fault(format string, args ...any) {
	x.faults = append(x.faults, fmt.Sprintf(format, args...))
}

// shown returns the configuration as text.
func (g *generated) shown() string {
	var out strings.Builder
	for line := range strings.Lines(g.mc.String()) {
		if !strings.HasPrefix(line, "define(`conf") || strings.Contains(line, "_FILE'") {
			out.WriteString(line)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(g.files)) {
		if !strings.HasSuffix(path, ".cf") && !strings.HasSuffix(path, ".mc") && !strings.HasSuffix(path, "switch") {
			fmt.Fprintf(&out, "-- %s --\n%s", path, g.files[path])
		}
	}
	return out.String()
}

// said returns a configuration as text, without line numbers.
type said struct {
	Host, Table, Class string
	Relays             virtuser.Relays
	Files              map[string][]conf.ClassFile
	Words              map[string][]string
	Aliases            []conf.AliasFile
	Entire, Passed     bool
}

func (x *trial) said(dir string) said {
	l, err := sendmail.ReadLayout(dir)
	if err != nil {
		x.Fatal(err)
	}
	c := l.Configuration()
	s := said{Host: l.Host, Table: l.Table, Class: l.Class, Relays: l.Relays, Aliases: slices.Clone(l.Aliases), Entire: c.EntireDomain,
		Passed: c.Holds(conf.ClassR, conf.VirtHosts), Files: map[string][]conf.ClassFile{}, Words: map[string][]string{}}
	for i := range s.Aliases {
		s.Aliases[i].Line = 0
	}
	for _, class := range []string{conf.ClassW, conf.ClassR, conf.ClassL, conf.VirtHosts} {
		for _, f := range c.ClassFiles(class) {
			f.Line = 0
			s.Files[class] = append(s.Files[class], f)
		}
		for _, word := range c.ClassWords(class) {
			if word != "localhost" { // every .cf has localhost
				s.Words[class] = append(s.Words[class], word)
			}
		}
	}
	return s
}

func (x *trial) sameLayout() {
	made, written := x.said(x.dir), x.said(x.dir+"/alone")
	if !reflect.DeepEqual(made, written) {
		x.fault("the .cf says %+v\nthe .mc says %+v", made, written)
	}
}

// sameClasses compares the names of each class. It leaves out the names of the host, which
// are not in the files, and names that end in a dot, which never match.
func (x *trial) sameClasses() {
	answers, err := x.p.Ask(x.Context(), x.cf, []string{"$=w", "$={VirtHost}", "$=R", "$=L"})
	if err != nil {
		x.Fatal(err)
	}
	r := x.set.Router
	for i, in := range []func(string) bool{r.ClassW, r.Virtual, r.Relayed, r.Relays.Stays} {
		if in == nil {
			in = func(string) bool { return false }
		}
		class := []string{"w", "{VirtHost}", "R", "L"}[i]
		names := map[string]bool{}
		for _, name := range strings.Fields(answers[i]) {
			if name = strings.ToLower(name); name != ">" && !strings.HasSuffix(name, ".") {
				names[name] = true
			}
		}
		for name := range names {
			if !in(name) && !(class == "w" && isOwnName(name)) {
				x.fault("%q is in class %s for sendmail alone", name, class)
			}
		}
		for _, name := range x.names {
			if name = strings.ToLower(name); in(name) && !names[name] && !strings.HasSuffix(name, ".") {
				x.fault("%q is in class %s for us alone", name, class)
			}
		}
	}
}

// isOwnName reports whether a name is one that sendmail adds for its host.
func isOwnName(name string) bool {
	full, _ := os.Hostname()
	first, domain, _ := strings.Cut(name, ".")
	return name == "mx1.example.net" || strings.HasPrefix(name, "[") || first == full || first == "localhost" || name == full || domain == "localdomain"
}

var mapAnswer = regexp.MustCompile(`(?m)^(?:> )?map_lookup: virtuser \(.*?\) (no match|returns (.*) \(0\)$)`)

// sameRows compares the values of keys, also of keys without a row.
func (x *trial) sameRows() {
	var keys, lines []string
	for _, key := range x.keys {
		keys = append(keys, key, "x"+key)
	}
	for _, key := range keys {
		lines = append(lines, "/map virtuser "+key)
	}
	answers, err := x.p.Ask(x.Context(), x.cf, lines)
	if err != nil {
		x.Fatal(err)
	}
	for i, key := range keys {
		want := mapAnswer.FindStringSubmatch(answers[i])
		value, ok, err := x.set.Router.Rows([]byte(key))
		switch {
		case err != nil || want == nil:
			x.fault("%s: %v, %q", key, err, answers[i])
		case ok != (want[1] != "no match"), ok && !strings.Contains(string(value), "%") && string(value) != want[2]:
			x.fault("the row %s is %q %v, and %q", key, value, ok, answers[i])
		}
	}
}

func (x *trial) sameAnswers() {
	replies, err := x.p.Rcpt(x.Context(), x.cf, x.addresses)
	if err != nil {
		x.Fatalf("%v\n%s", err, x.shown())
	}
	mailers := mailersOfTaken(x.T, x.p, x.cf, x.addresses, replies)
	ends := map[string]string{}
	for i, addr := range x.addresses {
		got, want := x.set.Router.Route(addr), replies[i]
		if !sameReply(&got, want) {
			want = x.alone(addr) // sendmail accepts a recipient that the message has already
		}
		if !sameReply(&got, want) {
			x.fault("<%s> is answered %d %s %q, by the Router %d %s %q: %v", addr, want.Code, want.Status, want.Text, got.Code, got.Status, got.Text, got.Trace)
			continue
		}
		if !got.Taken() {
			continue
		}
		if _, known := ends[mailers[i]]; !known {
			ends[mailers[i]] = x.ends(addr)
		}
		theirs, ours := ends[mailers[i]], endsOf(&got)
		if got.Mailer == "local" { // an alias
			theirs, _, _ = strings.Cut(theirs, " by ")
		}
		if ours != theirs {
			x.fault("<%s> ends at %q, by the Router at %q: %s %v", addr, theirs, ours, mailers[i], got.Trace)
		}
	}
}

// sameReply compares replies. A number of nested rulesets in the text may differ.
func sameReply(got *virtuser.Outcome, want outcome.Outcome) bool {
	text := got.Text == want.Text || strings.HasPrefix(want.Text, got.Text+", ruleset ")
	return got.Code == want.Code && got.Status == want.Status && (got.Taken() || text) && !strings.Contains(want.Text, "queue")
}

func (x *trial) alone(addr string) outcome.Outcome {
	replies, err := x.p.Rcpt(x.Context(), x.cf, []string{addr})
	if err != nil {
		x.Fatal(err)
	}
	return replies[0]
}

// ends returns the recipients of an address as text.
func (x *trial) ends(addr string) string {
	all, err := x.p.Deliveries(x.Context(), x.cf, addr)
	if err != nil {
		return "" // an alias without a member that accepts mail
	}
	var recipients []string
	for _, d := range all {
		recipients = append(recipients, recipient(d.User))
	}
	if len(all) == 1 && all[0].Mailer != "local" {
		return joinedEnds(recipients) + " by " + strings.TrimSuffix(all[0].Host, ".")
	}
	return joinedEnds(recipients)
}

func endsOf(out *virtuser.Outcome) string {
	var recipients []string
	for _, user := range out.Recipients {
		recipients = append(recipients, recipient(user))
	}
	if out.Mailer != "local" {
		return joinedEnds(recipients) + " by " + out.NextHost
	}
	return joinedEnds(recipients)
}

// recipient returns a recipient without the parts that the local mailer does not get: a
// backslash and a detail.
func recipient(user string) string {
	user = strings.ToLower(strings.Trim(user, `\`))
	if !strings.Contains(user, "@") {
		user, _, _ = strings.Cut(user, "+")
	}
	return user
}

func joinedEnds(recipients []string) string {
	slices.Sort(recipients)
	return strings.Join(slices.Compact(recipients), " ")
}
