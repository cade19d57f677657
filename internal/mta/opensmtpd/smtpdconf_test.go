package opensmtpd_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"virtmap/internal/mta"
	"virtmap/internal/mta/opensmtpd"
)

// wired is an smtpd.conf in which nothing is missing.
const wired = `action "local" maildir alias <aliases>
include "DIR/virtmap.conf"
match from local for any action "relay"
`

// TestIncludedFilesAreRead looks at configurations of several files: what smtpd would read
// is what counts. DIR is their folder; a gap has its place when a line clashes.
func TestIncludedFilesAreRead(t *testing.T) {
	for _, c := range []struct {
		it    string
		files map[string]string
		want  string // gaps, or the error
	}{
		{"reads one file", map[string]string{"smtpd.conf": wired}, ""},
		{"reads everything from another file", map[string]string{"smtpd.conf": `include "DIR/all.conf"`, "all.conf": wired}, ""},
		{"follows a file of a file", map[string]string{"smtpd.conf": `include 'DIR/one.conf' # see there`, "one.conf": `include"DIR/all.conf"`, "all.conf": wired}, ""},
		{"reads a line over two", map[string]string{"smtpd.conf": strings.Replace(wired, "include ", "include \\\n", 1)}, ""},
		{"has match lines before ours in another file", map[string]string{"smtpd.conf": "include \"DIR/first.conf\"\n" + wired, "first.conf": `match for local action "local"`},
			"virtmap.conf is included behind a match line, and the first match line counts"},
		{"has match lines behind ours in another file", map[string]string{"smtpd.conf": wired + "include \"DIR/last.conf\"\n", "last.conf": `match for local action "local"`}, ""},
		{"lacks a file", map[string]string{"smtpd.conf": wired + "\ninclude \"DIR/none.conf\"\n"}, `DIR/smtpd.conf:5: include "DIR/none.conf": open DIR/none.conf: no such file or directory`},
		{"lacks a file of a file", map[string]string{"smtpd.conf": `include "DIR/one.conf"`, "one.conf": "# a\ninclude \"DIR/none.conf\"\n"},
			`DIR/one.conf:2: include "DIR/none.conf": open DIR/none.conf: no such file or directory`},
		{"includes itself", map[string]string{"smtpd.conf": `include "DIR/one.conf"`, "one.conf": `include "DIR/smtpd.conf"`},
			`DIR/one.conf:1: include "DIR/smtpd.conf": the file includes itself`},
		{"has another delimiter", map[string]string{"smtpd.conf": "smtp sub-addr-delim '-'\n" + wired}, `DIR/smtpd.conf:1: a detail begins with "-", and in the inventory with a plus: write smtp sub-addr-delim "+"`},
		{"has another delimiter in another file", map[string]string{"smtpd.conf": wired + "include \"DIR/smtp.conf\"\n", "smtp.conf": "smtp max-message-size 35M\nsmtp sub-addr-delim \"_\"\n"},
			`DIR/smtp.conf:2: a detail begins with "_", and in the inventory with a plus: write smtp sub-addr-delim "+"`},
		{"takes another delimiter back", map[string]string{"smtpd.conf": "smtp sub-addr-delim \"-\"\n" + wired + "smtp sub-addr-delim \"+\"\n"}, ""},
	} {
		dir := t.TempDir()
		writeAll(t, dir, c.files)
		if got := gapsOf(t, dir); got != strings.ReplaceAll(c.want, "DIR", dir) {
			t.Errorf("a configuration that %s: %q, want %q", c.it, got, c.want)
		}
	}
}

// TestIncludedFilesHaveALimit: a chain of files ends.
func TestIncludedFilesHaveALimit(t *testing.T) {
	dir, files := t.TempDir(), map[string]string{"smtpd.conf": `include "DIR/1"`}
	for i := 1; i < 20; i++ {
		files[fmt.Sprint(i)] = fmt.Sprintf("include \"DIR/%d\"\n", i+1)
	}
	writeAll(t, dir, files)
	if got := gapsOf(t, dir); !strings.Contains(got, "files include each other more than 16 deep") {
		t.Errorf("a chain of 20 files: %q", got)
	}
}

// TestIncludedFilesOfAnotherMachine: a copy of smtpd.conf may name files that only the
// server has.
func TestIncludedFilesOfAnotherMachine(t *testing.T) {
	dir := t.TempDir()
	writeAll(t, dir, map[string]string{"smtpd.conf": wired + "include \"DIR/none.conf\"\n"})
	if c, err := opensmtpd.Server.Conf(dir, false); err != nil || c.Place() == "" {
		t.Errorf("the copy is %v (%v)", c, err)
	}
}

// writeAll writes files into a folder, whose path takes the place of DIR.
func writeAll(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.ReplaceAll(text, "DIR", dir)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// gapsOf returns what the smtpd.conf of a folder lacks for a build there.
func gapsOf(t *testing.T, dir string) string {
	return gapsWith(t, dir, "domains: {a.example: {addresses: {info: x@far.example}}}")
}

// gapsWith is gapsOf for an inventory with these lines.
func gapsWith(t *testing.T, dir, lines string) string {
	t.Helper()
	c, err := opensmtpd.Server.Conf(dir, true)
	if err != nil {
		return err.Error()
	}
	b, faults := compiled("version: 1\nhost: {name: mx1.example.net, server: opensmtpd, mail_dir: " + dir + "}\n" + lines + "\n")
	if faults.Failed() {
		t.Fatal(faults.Faults())
	}
	var all []string
	for _, g := range c.Reading(b, dir, time.Time{}, mta.Remembered{}).Gaps {
		if g.Line > 0 {
			g.What = fmt.Sprintf("%s:%d: %s: write %s", g.Path, g.Line, g.What, g.Write)
		}
		all = append(all, g.What)
	}
	return strings.Join(all, "; ")
}

// TestListenLinesHaveTheTableOfSenders looks at the lines of a site at which users log in.
func TestListenLinesHaveTheTableOfSenders(t *testing.T) {
	const authorised = "users: {bin: }\nsubmission: {authorise: yes}\ndomains: {a.example: {sends: yes, addresses: {info: bin}}}"
	const unsaid = "domains: {a.example: {addresses: {info: x@far.example}}}"
	const line = "listen on eth0 port submission tls-require pki x auth"
	const ours = line + " senders <virtmap_senders>\n"
	for _, c := range []struct{ it, conf, inventory, want string }{
		{"has the table", wired + ours, authorised, ""},
		{"has the table with masquerade", wired + line + " senders <virtmap_senders> masquerade\n", authorised, ""},
		{"has a listener for strangers too", "listen on eth0 tls pki auth.example.net\n" + wired + ours, authorised, ""},
		{"lets nobody log in", "listen on eth0\n" + wired, authorised, "no listen line has auth and the table of senders"},
		{"lacks the table", wired + line + "\n", authorised, "DIR/smtpd.conf:4: users who log in here may send from every address: write " + line + " senders <virtmap_senders>"},
		{"lacks the table at one of two", wired + ours + "listen on lo smtps pki x auth-optional <logins>\n", authorised, "DIR/smtpd.conf:5: users who log in here may send from every address: write listen on lo smtps pki x auth-optional <logins> senders <virtmap_senders>"},
		{"has another table", wired + line + " senders <mine> masquerade\n", authorised, "DIR/smtpd.conf:4: users who log in here may send from every address: write " + line + " masquerade senders <virtmap_senders>"},
		{"names the table before it is there", ours + wired, authorised, "DIR/smtpd.conf:1: the line is before that which includes virtmap.conf, where its table is: write " + line + " senders <virtmap_senders>"},
		{"names the table of an earlier build", wired + ours, unsaid, "DIR/smtpd.conf:4: the table <virtmap_senders> is not in virtmap.conf any more, and smtpd does not start: write " + line},
		{"lets users log in, about which the inventory says nothing", wired + line + "\n", unsaid, ""},
	} {
		dir := t.TempDir()
		writeAll(t, dir, map[string]string{"smtpd.conf": c.conf})
		if got := gapsWith(t, dir, c.inventory); got != strings.ReplaceAll(c.want, "DIR", dir) {
			t.Errorf("a configuration that %s: %q, want %q", c.it, got, c.want)
		}
	}
}
