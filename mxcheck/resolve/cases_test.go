package resolve_test

import (
	"context"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"virtmap/internal/workshop/peer"
	"virtmap/mxcheck"
	"virtmap/mxcheck/resolve"
)

var update = flag.Bool("update", os.Getenv("VIRTMAP_UPDATE") != "", "rewrite expectations")

// A zoneCase is one file of testdata/dns: a zone, the domains to check in it,
// and the verdicts.
type zoneCase struct {
	file    string
	archive *txtar.Archive
	us      mxcheck.Us
	zone    string
	checks  []mxcheck.Subject
}

func zoneCases(t testing.TB) []zoneCase {
	t.Helper()
	hosts, err := os.ReadFile("../../testdata/dns/hosts.zone")
	if err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob("../../testdata/dns/*.txtar")
	var cases []zoneCase
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c := zoneCase{file: file, archive: archive, us: us("mx1.example.net mx2.example.net 192.0.2.25 2001:db8:25::/64 10.0.0.0/24")}
		for _, part := range archive.Files {
			switch text := string(part.Data); part.Name {
			case "zone":
				c.zone = string(hosts) + text
			case "us":
				c.us = us(text)
			case "check":
				c.checks = subjects(text)
			}
		}
		cases = append(cases, c)
	}
	return cases
}

func us(text string) mxcheck.Us {
	var u mxcheck.Us
	for _, word := range strings.Fields(text) {
		if prefix, err := netip.ParsePrefix(word); err == nil {
			u.Networks = append(u.Networks, prefix)
		} else if addr, err := netip.ParseAddr(word); err == nil {
			u.Networks = append(u.Networks, netip.PrefixFrom(addr, addr.BitLen()))
		} else {
			u.Names = append(u.Names, word)
		}
	}
	return u
}

func subjects(text string) []mxcheck.Subject {
	var all []mxcheck.Subject
	for line := range strings.Lines(text) {
		domain, word, _ := strings.Cut(strings.TrimSpace(line), " ")
		all = append(all, mxcheck.Subject{Domain: domain, Backup: word == "backup", Skip: word == "skip"})
	}
	return all
}

// verdicts checks all domains of a case and returns the verdicts as text, in the
// order of the case.
func (c *zoneCase) verdicts(t testing.TB, checker *mxcheck.Checker) string {
	t.Helper()
	checker.Us, checker.Absent = c.us, "no-such-name"
	texts := make([]string, len(c.checks))
	err := checker.CheckAll(context.Background(), c.checks, func(i int, v mxcheck.Verdict) { texts[i] = describe(&v) })
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(texts, "\n")
}

// describe returns a verdict as text, without the servers.
func describe(v *mxcheck.Verdict) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s, %s\n", v.Subject.Domain, v.Level, v.Action)
	for _, f := range v.Findings {
		fmt.Fprintf(&b, "  %s: %s\n", f.ID, f.Text)
		if f.Advice != "" {
			fmt.Fprintf(&b, "    %s\n", f.Advice)
		}
	}
	for _, r := range v.Records {
		fmt.Fprintf(&b, "  | %s\n", r)
	}
	return b.String()
}

// loadZone writes the zone of a case to a file and reads it.
func loadZone(t testing.TB, text string) *resolve.Zones {
	t.Helper()
	file := filepath.Join(t.TempDir(), "root")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	zones, faults, err := resolve.LoadZones([]string{file})
	if err != nil || len(faults) > 0 {
		t.Fatal(faults, err)
	}
	return zones
}

// TestCases checks the domains of testdata/dns, with the zone files and over real
// sockets. Both give the expected verdicts.
func TestCases(t *testing.T) {
	for _, c := range zoneCases(t) {
		t.Run(strings.TrimSuffix(filepath.Base(c.file), ".txtar"), func(t *testing.T) {
			zones := loadZone(t, c.zone)
			got := c.verdicts(t, &mxcheck.Checker{Resolver: zones})
			c.compare(t, got)
			server := serve(t, zones, nil)
			if overWire := c.verdicts(t, &mxcheck.Checker{Resolver: client(t, server), Confirm: true}); overWire != got {
				t.Errorf("over the wire:\n%s", difference(got, overWire))
			}
		})
	}
}

func (c *zoneCase) compare(t *testing.T, got string) {
	t.Helper()
	want := &c.archive.Files[len(c.archive.Files)-1]
	if want.Name != "want" {
		t.Fatal("the last part is not the expectation")
	}
	if string(want.Data) == got {
		return
	}
	if !*update {
		t.Errorf("%s:\n%s", c.file, difference(string(want.Data), got))
		return
	}
	want.Data = []byte(got)
	if err := os.WriteFile(c.file, txtar.Format(c.archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

// difference returns the first lines that differ.
func difference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return fmt.Sprintf("line %d\nwant %s\ngot  %s", i+1, strings.Join(w[max(i-3, 0):min(i+3, len(w))], "\n     "), strings.Join(g[max(i-3, 0):min(i+3, len(g))], "\n     "))
		}
	}
	return fmt.Sprintf("%d lines, want %d\n%s", len(g), len(w), got)
}

// TestCasesCoverRules fails for an id that is in no verdict of the tests.
func TestCasesCoverRules(t *testing.T) {
	var seen strings.Builder
	for _, c := range zoneCases(t) {
		seen.Write(c.archive.Files[len(c.archive.Files)-1].Data)
	}
	// These are in TestAuthorities, TestNoZone and TestStopped.
	fmt.Fprintf(&seen, "%s: %s: %s:", mxcheck.InconsistentNS, mxcheck.DNSNoZone, mxcheck.DNSStopped)
	for _, m := range misbehaviours {
		seen.WriteString(string(m.want) + ":")
	}
	for _, rule := range mxcheck.Rules {
		if !strings.Contains(seen.String(), string(rule.ID)+":") {
			t.Errorf("no case leads to %s", rule.ID)
		}
	}
}

// TestNSD checks the domains with a real name server, and compares the records of
// the verdicts with those of dig.
func TestNSD(t *testing.T) {
	for _, c := range zoneCases(t) {
		t.Run(strings.TrimSuffix(filepath.Base(c.file), ".txtar"), func(t *testing.T) {
			server := peer.NSD(t, map[string]string{".": c.zone})
			got := c.verdicts(t, &mxcheck.Checker{Resolver: client(t, server), Confirm: true})
			want := c.verdicts(t, &mxcheck.Checker{Resolver: loadZone(t, c.zone)})
			if got != want {
				t.Errorf("%s", difference(want, got))
			}
			digAgrees(t, server, got)
		})
	}
}

// digAgrees asks dig for every record of the verdicts.
func digAgrees(t *testing.T, server netip.AddrPort, verdicts string) {
	t.Helper()
	var records []string
	var questions strings.Builder
	for line := range strings.Lines(verdicts) {
		if record, ok := strings.CutPrefix(line, "  | "); ok {
			fields := strings.Fields(record)
			records = append(records, strings.Join(fields, " "))
			fmt.Fprintf(&questions, "%s %s\n", fields[0], fields[2])
		}
	}
	file := filepath.Join(t.TempDir(), "questions")
	if err := os.WriteFile(file, []byte(questions.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	out := peer.Run(t, "", "dig", "@"+server.Addr().String(), "-p", fmt.Sprint(server.Port()), "+noall", "+answer", "+noclass", "+norecurse", "-f", file)
	answered := map[string]bool{}
	for line := range strings.Lines(out) {
		answered[strings.ToLower(strings.Join(strings.Fields(line), " "))] = true
	}
	for _, record := range records {
		if !answered[strings.ToLower(record)] {
			t.Errorf("dig does not say %q", record)
		}
	}
}
