package postfix_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"virtmap/internal/diag"
	"virtmap/internal/fileset"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix"
	"virtmap/internal/mta/postfix/maincf"
	"virtmap/internal/mta/postfix/program"
	"virtmap/internal/publish"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
)

// A witness is a running Postfix whose tables and main.cf are exchanged.
type witness struct {
	p     *program.Instance
	root  program.Root
	dir   string // the folder of the tables
	main  string // the path of main.cf
	usual string // its text without the lines of a build
}

// A crew is who is on the machine of a witness.
type crew struct {
	accounts []string
	aliases  map[string]string // of the site's alias file
}

// startWitness starts a Postfix with the accounts and aliases of package sample.
func startWitness(t *testing.T) *witness {
	return startWitnessWith(t, crew{sample.Accounts, sample.LocalAliases})
}

func startWitnessWith(t *testing.T, who crew) *witness {
	root := peer.PostfixRoot(t)
	peer.Root(t)
	w := &witness{dir: peer.SafeDir(t), root: program.Unpacked(root)}
	aliases := filepath.Join(w.dir, "aliases")
	var text strings.Builder
	for name, to := range who.aliases {
		fmt.Fprintf(&text, "%s %s\n", name, to)
	}
	if err := os.WriteFile(aliases, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	var err error
	w.p, err = program.Start(context.Background(), program.Options{
		Root:     w.root,
		Folder:   filepath.Join(w.dir, "instance"),
		Main:     []byte("compatibility_level = 3.6\nmyhostname = " + sample.HostName + "\nalias_database = texthash:" + aliases + "\nalias_maps = $alias_database\n"),
		Etc:      w.dir,
		Accounts: append([]string{"postfix"}, who.accounts...),
		Logins:   true,
		Mailbox: func(addr string) string {
			local, _, _ := strings.Cut(addr, "@")
			return "/srv/mail/" + strings.Split(local, "+")[0]
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(warnings(w.p.Log()))
		}
		w.p.Close()
	})
	w.main = filepath.Join(w.p.Folder(), "etc", "main.cf")
	usual, err := os.ReadFile(w.main)
	if err != nil {
		t.Fatal(err)
	}
	w.usual = string(usual)
	return w
}

// load puts the files of a build in place and reloads Postfix.
func (w *witness) load(b postfix.Build) error {
	if _, err := w.publish(b); err != nil {
		return err
	}
	if err := w.configure(b); err != nil {
		return err
	}
	old := time.Now().Add(-time.Hour) // Postfix waits for a text that was just written
	for _, path := range append(glob(w.dir, "virtmap*"), w.main) {
		if err := os.Chtimes(path, old, old); err != nil {
			return err
		}
	}
	return w.p.Reload()
}

// publish puts the files of a build in place, and reports whether one of them changed
// that Postfix reads only at a reload.
func (w *witness) publish(b mta.Build) (needsReload bool, err error) {
	outputs, err := fileset.Outputs(postfix.Server, b, w.dir, -1)
	if err != nil {
		return false, err
	}
	set := publish.Set{Outputs: outputs, State: filepath.Join(w.dir, ".state"), FS: publish.OS, Adopt: true}
	report, err := publish.Publish(context.Background(), set)
	for _, change := range report.Changes {
		name := mapfile.WithoutSuffix(filepath.Base(change.Path))
		i := slices.IndexFunc(postfix.Files, func(f mta.File) bool { return f.Name == name })
		needsReload = needsReload || !change.Alike && postfix.Files[i].Effect != mta.AtOnce
	}
	return needsReload, err
}

// configure writes main.cf with the lines of a build, which replace those of the site.
func (w *witness) configure(b postfix.Build) error {
	var text strings.Builder
	lines := b.Lines()
	for line := range strings.Lines(w.usual) {
		name, _, _ := strings.Cut(line, " =")
		if !slices.ContainsFunc(lines, func(l maincf.Line) bool { return l.Name == name }) {
			text.WriteString(line)
		}
	}
	for _, line := range lines {
		fmt.Fprintf(&text, "%s = %s\n", line.Name, strings.ReplaceAll(line.Value, "/etc/postfix/", w.dir+"/"))
	}
	return os.WriteFile(w.main, []byte(text.String()), 0o644)
}

// warnings returns the warnings and errors of a log.
func warnings(log string) string {
	var out strings.Builder
	for line := range strings.Lines(log) {
		if strings.Contains(line, "warning:") || strings.Contains(line, "error:") || strings.Contains(line, "fatal:") {
			out.WriteString(line)
		}
	}
	return out.String()
}

func glob(dir, pattern string) []string {
	names, _ := filepath.Glob(filepath.Join(dir, pattern)) // the pattern is well formed
	return names
}

// run runs a program of the witness's Postfix, such as sendmail or postqueue.
func (w *witness) run(t *testing.T, stdin, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(filepath.Join(w.root.Sbin, name), args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "MAIL_CONFIG=" + filepath.Dir(w.main), "LD_LIBRARY_PATH=" + w.root.Libraries, "LANG=C"}
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// compiled compiles an inventory that must have no faults.
func compiled(t *testing.T, text string) postfix.Build {
	t.Helper()
	m, faults := inventory.Parse("mail.yaml", text)
	if !faults.Failed() {
		b := postfix.Compile(m, faults)
		if !faults.Failed() {
			return b
		}
	}
	t.Fatalf("the inventory has faults: %s\n%.2000s", faultsOf(faults), text)
	return postfix.Build{}
}

// put loads an inventory that must have no faults.
func (w *witness) put(t *testing.T, text string) postfix.Build {
	t.Helper()
	b := compiled(t, text)
	if err := w.load(b); err != nil {
		t.Fatal(err)
	}
	return b
}

// rcpt returns the replies to RCPT as "code status text", in which the words before the
// text of a refusal are left out.
func (w *witness) rcpt(t *testing.T, addrs ...string) []string {
	t.Helper()
	replies, err := w.p.RCPT(context.Background(), addrs)
	if err != nil {
		t.Fatal(err)
	}
	all := make([]string, len(addrs))
	for i, r := range replies {
		text := r.Text
		if _, behind, ok := strings.Cut(text, "Recipient address rejected: "); ok {
			text = behind
		}
		all[i] = fmt.Sprintf("%d %s %s", r.Code, r.Status, text)
	}
	return all
}

// within waits until a condition holds, at most for twenty seconds.
func within(condition func() bool) bool {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if condition() {
			return true
		}
	}
	return condition()
}

func faultsOf(faults *diag.List) string {
	var all []string
	for _, f := range faults.Faults() {
		all = append(all, f.Text)
	}
	return strings.Join(all, "; ")
}
