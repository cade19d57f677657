package route

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"virtmap/internal/mta/postfix/program"
	"virtmap/internal/mta/postfix/table"
	"virtmap/internal/outcome"
	"virtmap/internal/workshop/peer"
)

// A twin is a running Postfix whose main.cf and tables are exchanged, and a Router of
// the same files.
type twin struct {
	p        *program.Instance
	main     string // the path of main.cf
	usual    string // its text without what a case adds
	dir      string // the folder of the tables
	accounts []string
}

func newTwin(t *testing.T) *twin {
	peer.Postfix(t, "postmap") // skips the test without a Postfix
	peer.Root(t)
	w := &twin{dir: peer.SafeDir(t), accounts: []string{"root", "andrei", "bea", "carol", "nobody", "postfix"}}
	if err := os.Chmod(w.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	var err error
	w.p, err = program.Start(context.Background(), program.Options{
		Root:     program.Unpacked(os.Getenv("VIRTMAP_POSTFIX")),
		Folder:   filepath.Join(w.dir, "instance"),
		Main:     []byte("compatibility_level = 3.6\nmyhostname = mx1.example.net\nalias_database =\nalias_maps =\n"),
		Etc:      w.dir,
		Accounts: w.accounts,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.p.Close() })
	w.main = filepath.Join(w.p.Folder(), "etc", "main.cf")
	text, err := os.ReadFile(w.main)
	if err != nil {
		t.Fatal(err)
	}
	w.usual = strings.ReplaceAll(string(text), "alias_maps =", "#")
	return w
}

// load makes the instance read a case, and returns a Router of it.
func (w *twin) load(t *testing.T, c testSite) *Router {
	t.Helper()
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		old := time.Now().Add(-time.Hour) // Postfix waits for a text that was just written
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range c.texts {
		write(filepath.Join(w.dir, name), strings.ReplaceAll(text, "DIR/", w.dir+"/"))
	}
	write(w.main, lastOfEach(w.usual+"\n"+strings.ReplaceAll(c.main, "DIR/", w.dir+"/")))
	if err := w.p.Reload(); err != nil {
		t.Fatal(err)
	}
	printed, err := w.p.Postconf(context.Background(), "-x")
	if err != nil {
		t.Fatal(err)
	}
	params := map[string]string{}
	for line := range strings.Lines(printed) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " =")
		params[name] = strings.TrimSpace(value)
	}
	account := func(name string) bool { return slices.Contains(w.accounts, name) }
	opener := &table.Opener{Account: account}
	t.Cleanup(func() { opener.Close() })
	r, err := New(Site{Param: func(name string) string { return params[name] }, Open: opener.Open, Account: account})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// lastOfEach returns the last line of each parameter. Postfix warns of the others; and a
// postlogd(8) that warns while many processes begin can wait for itself for ever.
func lastOfEach(main string) string {
	var lines []string
	seen := map[string]bool{}
	for _, line := range slices.Backward(strings.Split(main, "\n")) {
		name, _, _ := strings.Cut(line, " =")
		if !seen[name] {
			lines = append(lines, line)
		}
		seen[name] = true
	}
	slices.Reverse(lines)
	return strings.Join(lines, "\n") + "\n"
}

// TestAgainstPostfix compares outcomes of generated configurations with those of a
// running Postfix.
func TestAgainstPostfix(t *testing.T) {
	w := newTwin(t)
	taken, refused, differ, silent := 0, 0, 0, 0
	shown := -1
	cases := peer.Campaign(60)
	for n := range cases {
		g := &generator{rand.New(rand.NewPCG(uint64(n), 7))}
		c := g.site()
		logged := len(w.p.Log())
		r := w.load(t, c)
		addrs := g.addresses()
		want, err := w.p.Outcomes(t.Context(), addrs)
		if err != nil { // a queue manager that other tests keep waiting answers the second time
			want, err = w.p.Outcomes(t.Context(), addrs)
		}
		if err != nil { // such as mail that waits in the queue
			t.Logf("case %d: %v", n, err)
			silent++
			continue
		}
		for i, addr := range addrs {
			got, steps := r.Route(addr)
			agrees := same(c, got, want[i], steps)
			if !agrees {
				// An alias with an owner has an end of which the log does not say to which
				// of several addresses it belongs.
				alone, err := w.p.Outcomes(t.Context(), []string{addr})
				if err != nil {
					t.Fatal(err)
				}
				want[i] = alone[0]
				agrees = same(c, got, want[i], steps)
			}
			switch {
			case !agrees:
				differ++
				t.Errorf("case %d, <%s>:\n got %+v\nwant %+v\nsteps: %v", n, addr, got, want[i], steps)
				if shown != n {
					t.Logf("case %d:\n%s\nlog: %s", n, c, warnings(w.p.Log()[logged:]))
					shown = n
				}
			case got.Taken:
				taken++
			default:
				refused++
			}
		}
		if differ > 12 {
			t.Fatal("too many differences")
		}
	}
	t.Logf("%d cases, %d without an answer: %d addresses were taken, %d refused", cases, silent, taken, refused)
	if taken < cases || refused < cases || silent > 1+cases/50 {
		t.Error("the cases compare little")
	}
}

// same reports whether two outcomes of a case agree as far as sendmail -bv shows them:
// not what an action of access(5) does to a message, and no discarded mail.
func same(c testSite, got, want outcome.Outcome, steps []outcome.Step) bool {
	if got.Taken != want.Taken {
		return false
	}
	if !got.Taken {
		return got.Code == want.Code && got.Status == want.Status && got.Text == want.Text && got.NotOurs == want.NotOurs
	}
	if strings.Contains(fmt.Sprint(want.Recipients), "double-bounce") {
		return true
	}
	for _, s := range steps {
		for _, action := range []string{"HOLD", "REDIRECT", "BCC", "discard:"} {
			if strings.HasPrefix(s.Value, action) {
				return true
			}
		}
	}
	// The instance shows the ends of other transports as addresses.
	cut := strings.Contains(c.main, "mailbox_transport") || strings.Contains(c.main, "fallback_transport")
	return slices.Equal(ends(withAddresses(got.Recipients, steps), cut), ends(want.Recipients, cut))
}

// withAddresses returns recipients with the address of each mailbox of virtual(8) instead of
// its path, because the instance shows the address.
func withAddresses(list []string, steps []outcome.Step) []string {
	all := slices.Clone(list)
	addr := ""
	for _, s := range steps {
		if s.Table != "mailboxes" {
			continue
		}
		if strings.Index(s.Key, "@") > 0 && !strings.HasPrefix(addr, strings.TrimSuffix(s.Key, s.Key[strings.LastIndexByte(s.Key, '@'):])) {
			addr = s.Key // the first key of a look-up is the whole address
		}
		for i, to := range all {
			if s.Hit && strings.HasPrefix(to, "/") && strings.HasSuffix(to, strings.TrimLeft(s.Value, "./")) {
				all[i] = addr
			}
		}
	}
	return all
}

// ends returns recipients in lower case and without the quotes around a local part, perhaps
// without their domains. The quotes inside the name of an account stay.
func ends(list []string, cut bool) []string {
	all := make([]string, 0, len(list))
	for _, s := range list {
		if strings.HasPrefix(s, `"`) {
			s = unquote(s)
		}
		if cut {
			if at := strings.LastIndexByte(s, '@'); at > 0 {
				s = s[:at]
			}
		}
		all = append(all, strings.ToLower(s))
	}
	return sortedUnique(all)
}

// warnings returns the warnings and errors of a log.
func warnings(log string) string {
	var b strings.Builder
	for line := range strings.Lines(log) {
		if strings.Contains(line, "warning: ") || strings.Contains(line, "error: ") || strings.Contains(line, "fatal: ") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// String shows a case.
func (s testSite) String() string {
	var b strings.Builder
	b.WriteString(s.main)
	for name, text := range s.texts {
		fmt.Fprintf(&b, "--- %s\n%s", name, text)
	}
	return b.String()
}
