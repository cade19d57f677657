package build

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"virtmap/internal/change"
	"virtmap/internal/diag"
	"virtmap/internal/endtoend"
	"virtmap/internal/mta/servers"
	"virtmap/inventory"
	"virtmap/mxcheck/resolve"
)

// A listener stores the messages of a run.
type listener struct {
	stages, lines []string
	faults        int
	published     []Result
	earlier       []string
}

func (l *listener) Enter(stage string)               { l.stages = append(l.stages, stage) }
func (l *listener) Rows(int)                         {}
func (l *listener) Bytes(int64)                      {}
func (l *listener) End()                             {}
func (l *listener) Tell(line string)                 { l.lines = append(l.lines, line) }
func (l *listener) Asking(int) func()                { return func() {} }
func (l *listener) ZoneFaults(f []resolve.ZoneFault) { l.faults += len(f) }
func (l *listener) Disproved(*endtoend.Result) error { l.faults++; return nil }

func (l *listener) DisprovedSender(*endtoend.SenderResult) error { l.faults++; return nil }
func (l *listener) Published(r *Result)                          { l.published = append(l.published, *r) }
func (l *listener) Earlier(k string)                             { l.earlier = append(l.earlier, k) }
func (l *listener) StillUnread(*Result)                          {}
func (l *listener) Faults(_ *diag.Sources, f *diag.List, _ diag.Severity) error {
	l.faults += len(f.Faults())
	return nil
}

// A place is a folder with an inventory and its files.
type place struct {
	t *testing.T
	o Options
	listener
}

func newPlace(t *testing.T) *place {
	dir := t.TempDir()
	load := func(path string) (*inventory.Model, *diag.List, error) { return inventory.Load(path, nil) }
	return &place{t: t, o: Options{Servers: servers.All, Known: servers.Checks(), Inventory: filepath.Join(dir, "mail.yaml"), Load: load, Folders: Folders{Out: filepath.Join(dir, "out")},
		MX: Asking{From: MXOff}, Keep: 5, Guards: Guards{MaxRemoved: -1, MinSize: -1}}}
}

// run builds from an inventory with some domains.
func (p *place) run(domains string) (Result, error) {
	p.t.Helper()
	text := "version: 1\nhost: {name: mx1.example.net}\nusers: {anna: , bert: }\ndomains:\n" + domains
	if err := os.WriteFile(p.o.Inventory, []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
	p.listener = listener{}
	return Run(context.Background(), p.o, p)
}

// mustRun builds without an error.
func (p *place) mustRun(domains string) Result {
	p.t.Helper()
	result, err := p.run(domains)
	if err != nil {
		p.t.Fatal(err)
	}
	return result
}

// text returns an installed file.
func (p *place) text(name string) string {
	p.t.Helper()
	text, err := os.ReadFile(filepath.Join(p.o.Out, name))
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

const (
	oneDomain  = "  a.example: {addresses: {info: anna, sales: bert}}\n"
	otherUser  = "  a.example: {addresses: {info: bert, sales: bert}}\n"
	twoDomains = oneDomain + "  b.example: {addresses: {info: anna}}\n"
)

// TestRun follows a folder from its first build.
func TestRun(t *testing.T) {
	p := newPlace(t)
	first := p.mustRun(oneDomain)
	if len(first.Changes) == 0 || first.Kinds != (Kinds{Map: true, Names: true, Config: true}) || first.Contents != "1 domain, 3 rows" || len(p.published) != 1 {
		t.Errorf("the first run gives %+v", first)
	}
	if again := p.mustRun(oneDomain); len(again.Changes) != 0 || again.Kinds != (Kinds{}) {
		t.Errorf("the second run gives %+v", again)
	}
	if moved := p.mustRun(otherUser); moved.Kinds != (Kinds{Map: true}) {
		t.Errorf("a row that moves gives %+v", moved)
	}
	p.mustRun(twoDomains)
	p.o.Guards.Allow, p.o.Grace = []string{change.Vanished}, time.Hour
	if left := p.mustRun(oneDomain); left.Kinds != (Kinds{Map: true, Names: true}) || !slices.Equal(left.Leaving, []string{"b.example"}) || !strings.Contains(p.text("virtusertable"), "info@b.example") {
		t.Errorf("a domain that leaves gives %+v", left)
	}
	p.o.Reloaded = true
	if gone := p.mustRun(oneDomain); gone.Leaving != nil || strings.Contains(p.text("virtusertable"), "info@b.example") {
		t.Errorf("after a restart it gives %+v", gone)
	}
}

// TestRunRefuses asks for builds that are refused. The files do not change.
func TestRunRefuses(t *testing.T) {
	p := newPlace(t)
	p.mustRun(twoDomains)
	before := p.text("virtusertable")
	var accident *Accident
	if _, err := p.run("  {}\n"); !errors.As(err, &accident) || !slices.Contains(accident.Guards(), change.Empty) {
		t.Errorf("an inventory without domains: %v", err)
	}
	if _, err := p.run("  a.example: {addresses: {info: nobody}}\n"); !errors.Is(err, ErrFaults) || p.faults == 0 {
		t.Errorf("an inventory with faults: %v, and %d were told", err, p.faults)
	}
	p.o.OnChange, p.o.Undo = "exit 7", true
	var failed *CommandFailed
	if _, err := p.run(otherUser + "  b.example: {addresses: {info: bert}}\n"); !errors.As(err, &failed) || !failed.Undone || failed.Undoing != nil {
		t.Errorf("a command that fails: %v", err)
	}
	p.o.OnChange, p.o.Undo = "", false
	if p.text("virtusertable") != before {
		t.Error("the files are not as they were")
	}
	if err := os.WriteFile(filepath.Join(p.o.Out, "virtusertable"), []byte("info@a.example\tcarl\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var foreign *Foreign
	if _, err := p.run(oneDomain); !errors.As(err, &foreign) || len(foreign.Files) != 1 {
		t.Errorf("a file that a person made: %v", err)
	}
}

// TestRestore puts the earlier files back, and then the later ones.
func TestRestore(t *testing.T) {
	p := newPlace(t)
	p.mustRun(oneDomain)
	before := p.text("virtusertable")
	p.mustRun(otherUser)
	back := Restoring{Folders: p.o.Folders.Installed(servers.All[0]), Server: servers.All[0], Number: -1, Tell: p.Tell}
	restored, err := back.Restore(context.Background())
	if err != nil || restored.Kinds != (Kinds{Map: true}) || p.text("virtusertable") != before {
		t.Errorf("it gives %+v, %v", restored, err)
	}
	back.Number = 99
	if _, err := back.Restore(context.Background()); !errors.Is(err, ErrNoGeneration) {
		t.Errorf("a generation that is not there: %v", err)
	}
}

// TestReview reviews what a run would change, and makes a plan. A run follows the plan.
func TestReview(t *testing.T) {
	p := newPlace(t)
	p.mustRun(oneDomain)
	before := p.text("virtusertable")
	if _, err := p.run("  a.example: {addresses: {info: nobody}}\n"); err == nil {
		t.Fatal("it takes an unknown user")
	}
	text, err := os.ReadFile(p.o.Inventory)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.o.Inventory, []byte(strings.Replace(string(text), "nobody", "bert", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	v, err := Review(context.Background(), p.o, p)
	if err != nil || len(v.Changes) == 0 || len(v.Change.Domains) != 1 || p.text("virtusertable") != before {
		t.Fatalf("it gives %+v, %v", v, err)
	}
	plan, err := v.Plan()
	if err != nil {
		t.Fatal(err)
	}
	file, err := plan.Text()
	if err != nil {
		t.Fatal(err)
	}
	p.o.Plan = filepath.Join(t.TempDir(), "plan.json")
	if err := os.WriteFile(p.o.Plan, file, 0o644); err != nil {
		t.Fatal(err)
	}
	var other *OtherPlan
	if _, err := p.run(otherUser); !errors.As(err, &other) || !slices.Contains(other.Differing, "virtusertable would become something else") {
		t.Errorf("what was not reviewed: %v", err)
	}
	if _, err := Run(context.Background(), p.o, p); !errors.As(err, &other) {
		t.Errorf("the same again: %v", err)
	}
}

// TestKinds reads the stored words of what changed.
func TestKinds(t *testing.T) {
	server := servers.All[0]
	for _, k := range []Kinds{{}, {Map: true}, {Names: true}, {Config: true}, {Signer: true}, {true, true, true, true}} {
		if got := parseKinds(k.In(server), server); got != k {
			t.Errorf("%+v becomes %q and that %+v", k, k.In(server), got)
		}
	}
	if got := (Kinds{true, true, true, true}).In(server); got != "map names mc signer" {
		t.Error(got)
	}
}
