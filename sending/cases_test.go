package sending_test

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
	"virtmap/sending"
)

var update = flag.Bool("update", os.Getenv("VIRTMAP_UPDATE") != "", "rewrite expectations")

// A situation is one file of testdata. Its parts are a zone, the host ("NAME ADDRESS… vm=rsa2048"),
// the domains to check, policies, and the verdicts. A domain may have
//
//	vm=rsa2048            a selector and the key in use, which is a file of testdata/keys
//	vm=rsa2048@d.example  likewise, with d= in its signatures
//	vm=rsa2048,spare      a key that does not sign yet
//	envelope=d.example    the domain in the envelope sender
//	policy=NAME           the part with its policy of MTA-STS
//
// A last line "host" checks the host itself.
type situation struct {
	file    string
	archive *txtar.Archive
	zone    string
	host    sending.Host
	checks  []string
}

func situations(t testing.TB) []situation {
	t.Helper()
	files, _ := filepath.Glob("testdata/*.txtar")
	var all []situation
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s := situation{file: file, archive: archive}
		s.zone = "$ORIGIN .\n$TTL 3600\n. SOA ns. hostmaster. 1 2 3 4 300\n. NS ns.\n" + s.part("zone")
		words := strings.Fields(s.part("host"))
		s.host.Name = words[0]
		for _, word := range words[1:] {
			if selector, file, ok := strings.Cut(word, "="); ok {
				s.host.Keys = append(s.host.Keys, readKey(selector, "", file))
				continue
			}
			s.host.Addresses = append(s.host.Addresses, netip.MustParseAddr(word))
		}
		s.checks = strings.Split(strings.TrimSpace(s.part("check")), "\n")
		all = append(all, s)
	}
	return all
}

// part returns the text of a part of the file.
func (s *situation) part(name string) string {
	for _, part := range s.archive.Files {
		if part.Name == name {
			return string(part.Data)
		}
	}
	panic(s.file + " has no part " + name)
}

// subject reads the line of a domain.
func (s *situation) subject(line string) sending.Subject {
	words := strings.Fields(line)
	subject := sending.Subject{Domain: words[0]}
	for _, word := range words[1:] {
		switch name, value, _ := strings.Cut(word, "="); name {
		case "envelope":
			subject.Envelope = value
		case "policy":
			subject.Policy = s.part(value)
		default:
			value, spare := strings.CutSuffix(value, ",spare")
			file, domain, _ := strings.Cut(value, "@")
			key := readKey(name, domain, file)
			key.Spare = spare
			subject.Keys = append(subject.Keys, key)
		}
	}
	return subject
}

func readKey(selector, domain, name string) sending.Key {
	k := sending.Key{Selector: selector, Domain: domain, File: "/etc/dkimkeys/" + name + ".private"}
	public, err := sending.ReadKeyFile("testdata/keys/" + name + ".pem")
	if err != nil {
		k.Problem = "no such file"
		return k
	}
	k.Public = public
	return k
}

// verdicts checks all domains of a situation and returns the verdicts as text.
func (s *situation) verdicts(r mxcheck.Resolver) string {
	c := sending.Checker{Resolver: r, Host: s.host}
	var b strings.Builder
	for _, line := range s.checks {
		v := c.CheckHost(context.Background())
		if line != "host" {
			v = c.Check(context.Background(), s.subject(line))
		}
		b.WriteString(describe(line, &v))
	}
	return b.String()
}

// describe returns a verdict as text.
func describe(line string, v *sending.Verdict) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", line, v.Level)
	for _, f := range v.Findings {
		level := ""
		if f.Level != levelOf(f.ID) {
			level = " (" + f.Level.String() + ")"
		}
		fmt.Fprintf(&b, "  %s%s: %s\n", f.ID, level, f.Text)
		if f.Advice != "" {
			fmt.Fprintf(&b, "    %s\n", f.Advice)
		}
		for _, line := range f.Publish {
			fmt.Fprintf(&b, "    + %s\n", line)
		}
	}
	return b.String()
}

func levelOf(id sending.ID) mxcheck.Level {
	for _, rule := range sending.Rules {
		if rule.ID == id {
			return rule.Level
		}
	}
	panic(string(id) + " has no rule")
}

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

func client(t testing.TB, server netip.AddrPort) *resolve.Client {
	t.Helper()
	c, err := resolve.New(resolve.Config{Servers: []netip.AddrPort{server}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestSituations checks the domains of testdata with zone files.
func TestSituations(t *testing.T) {
	n := 0
	for _, s := range situations(t) {
		n += len(s.checks)
		t.Run(filepath.Base(s.file), func(t *testing.T) { s.compare(t, s.verdicts(loadZone(t, s.zone))) })
	}
	if n < 60 {
		t.Errorf("only %d situations", n)
	}
}

// TestSituationsOverNSD checks the domains with a real name server.
func TestSituationsOverNSD(t *testing.T) {
	for _, s := range situations(t) {
		t.Run(filepath.Base(s.file), func(t *testing.T) {
			server := peer.NSD(t, map[string]string{".": s.zone})
			if got, want := s.verdicts(client(t, server)), s.part("want"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func (s *situation) compare(t *testing.T, got string) {
	t.Helper()
	want := &s.archive.Files[len(s.archive.Files)-1]
	switch {
	case want.Name != "want":
		t.Fatal("the last part is not the expectation")
	case string(want.Data) == got:
	case *update:
		want.Data = []byte(got)
		if err := os.WriteFile(s.file, txtar.Format(s.archive), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("got\n%s\nwant\n%s", got, want.Data)
	}
}

// TestPublishedLinesAreRecords reads all lines to publish as a zone file.
func TestPublishedLinesAreRecords(t *testing.T) {
	n := 0
	for _, s := range situations(t) {
		for line := range strings.Lines(s.part("want")) {
			if record, ok := strings.CutPrefix(line, "    + "); ok {
				n++
				loadZone(t, "$TTL 60\n. SOA ns. h. 1 2 3 4 300\n. NS ns.\n"+record)
			}
		}
	}
	if n < 20 {
		t.Errorf("only %d lines", n)
	}
}

// TestPublishingMends publishes what a verdict says, and checks again: the finding is gone.
func TestPublishingMends(t *testing.T) {
	mended := 0
	for _, s := range situations(t) {
		for _, line := range s.checks {
			if line == "host" {
				continue
			}
			zones := loadZone(t, s.zone)
			check := func(r mxcheck.Resolver) sending.Verdict {
				c := sending.Checker{Resolver: r, Host: s.host}
				return c.Check(context.Background(), s.subject(line))
			}
			before := check(zones)
			for _, f := range before.Findings {
				if len(f.Publish) == 0 || f.ID == sending.DMARCReport {
					continue
				}
				after := check(replaced{zones, loadZone(t, "$TTL 60\n. SOA ns. h. 1 2 3 4 300\n. NS ns.\n"+strings.Join(f.Publish, "\n")+"\n")})
				mended++
				for _, g := range after.Findings {
					spf := strings.HasPrefix(string(f.ID), "spf-") && (g.ID == sending.SPFNotUs || g.ID == sending.SPFWeak || g.ID == sending.SPFSyntax)
					mendable := g.ID == f.ID || spf
					if g.ID == sending.DKIMMissing && !strings.Contains(g.Text, f.Publish[0][:20]) || g.ID == sending.DKIMWeak {
						mendable = false // another key
					}
					if mendable {
						t.Errorf("%s: %s: after %s still %s", s.file, line, f.Publish, g.Text)
					}
				}
			}
		}
	}
	if mended < 20 {
		t.Errorf("only %d lines", mended)
	}
}

// replaced is a zone in which some names have other records.
type replaced struct{ before, now *resolve.Zones }

func (r replaced) Ask(ctx context.Context, q mxcheck.Question) mxcheck.Answer {
	if a := r.now.Ask(ctx, q); len(a.Records) > 0 {
		return a
	}
	return r.before.Ask(ctx, q)
}

// TestRulesAreReached fails for an id that no situation leads to.
func TestRulesAreReached(t *testing.T) {
	var seen strings.Builder
	for _, s := range situations(t) {
		seen.WriteString(s.part("want"))
	}
	for _, id := range elsewhere {
		fmt.Fprintf(&seen, "  %s: ", id)
	}
	for _, rule := range sending.Rules {
		if !strings.Contains(seen.String(), "  "+string(rule.ID)+": ") && !strings.Contains(seen.String(), "  "+string(rule.ID)+" (") {
			t.Errorf("no situation leads to %s", rule.ID)
		}
		if rule.Meaning == "" || !strings.HasSuffix(rule.Meaning, ".") {
			t.Errorf("%s: %q is no sentence", rule.ID, rule.Meaning)
		}
	}
}
