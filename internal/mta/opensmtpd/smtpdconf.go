package opensmtpd

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"
	"time"

	"virtmap/internal/mta"
	"virtmap/internal/mta/rowtext"
	"virtmap/internal/regular"
)

// A configuration is an smtpd.conf. It implements mta.Conf.
type configuration struct {
	path    string // empty: there is none
	lines   []string
	places  []place   // of the lines
	changed time.Time // when one of its files, or virtmap.conf, was written or renamed last
}

// usual are the paths of smtpd.conf on OpenBSD and Debian.
var usual = []string{"/etc/mail/smtpd.conf", "/etc/smtpd.conf", "/etc/opensmtpd/smtpd.conf"}

// readConf reads the smtpd.conf in a folder or above it or, for the files of this machine,
// the one that smtpd reads.
func readConf(dir string, here bool) (mta.Conf, error) {
	c, err := readConfiguration(dir, here)
	return c, err
}

func readConfiguration(dir string, here bool) (*configuration, error) {
	var further []string
	if here {
		further = usual
	}
	path, text, err := mta.FindConfig(dir, words.Config, further...)
	if err != nil || path == "" {
		return &configuration{}, err
	}
	r := lineReader{here: here}
	if err := r.read(path, text); err != nil {
		return nil, err
	}
	return &configuration{path: path, lines: r.lines, places: r.places, changed: regular.LastChange(append(r.paths, filepath.Join(dir, fileConf))...)}, nil
}

// Place returns the path of smtpd.conf.
func (c *configuration) Place() string { return c.path }

// Parts of smtpd.conf.
var (
	matchLine   = regexp.MustCompile(`^match\s`)
	localAction = regexp.MustCompile(`^action\s+"?local"?\s`)
	outsideLine = regexp.MustCompile(`^match\s+(?:(?:from\s+(?:local|any)|for\s+any)\s+){1,2}action\s`)
	delimLine   = regexp.MustCompile(`^smtp\s+sub-addr-delim\s*["'](.)["']`)
)

// include returns the line that includes virtmap.conf.
func include(dir string) string { return fmt.Sprintf("include %q", filepath.Join(dir, fileConf)) }

// gaps returns what smtpd.conf lacks: the include line has to be before the first match
// line, because the first that matches counts, and behind the action that it uses.
func (c *configuration) gaps(dir string, authorise bool) (all []mta.Gap) {
	gap := func(line int, what, write string) {
		all = append(all, mta.Gap{Path: c.path, Line: line, What: what, Write: write})
	}
	included := c.includes(dir)
	first := slices.IndexFunc(c.lines, matchLine.MatchString)
	local := slices.IndexFunc(c.lines, localAction.MatchString)
	switch {
	case included < 0:
		gap(0, fileConf+" is not included", include(dir))
	case first >= 0 && first < included:
		gap(0, fileConf+" is included behind a match line, and the first match line counts", include(dir))
	case local > included:
		gap(0, fileConf+" is included before the action \"local\" that it uses", include(dir))
	}
	if local < 0 {
		gap(0, "no action is \"local\", for the accounts of the server", `action "local" maildir alias <aliases>`)
	}
	if !slices.ContainsFunc(c.lines, outsideLine.MatchString) {
		gap(0, "no match line takes mail from here for other servers", `match from local for any action "relay"`)
	}
	all = append(all, c.delimiter()...)
	return append(all, c.logins(dir, authorise)...)
}

// includes returns the index of the line that includes the virtmap.conf of a folder; -1
// without such a line.
func (c *configuration) includes(dir string) int {
	return slices.IndexFunc(c.lines, func(line string) bool {
		found := includeLine.FindStringSubmatch(line)
		return found != nil && found[1] == filepath.Join(dir, fileConf)
	})
}

// delimiter returns the gap of another character before a detail than the plus. The last
// line counts.
func (c *configuration) delimiter() (all []mta.Gap) {
	for i, line := range c.lines {
		found := delimLine.FindStringSubmatch(line)
		switch {
		case found == nil:
		case found[1] == "+":
			all = nil
		default:
			at := c.places[i]
			all = []mta.Gap{{Path: at.path, Line: at.number, What: fmt.Sprintf("a detail begins with %q, and in the inventory with a plus", found[1]), Write: `smtp sub-addr-delim "+"`}}
		}
	}
	return all
}

// Reading works out what the running smtpd reads of a build. No file has to wait: smtpd
// reads the tables only through virtmap.conf.
func (c *configuration) Reading(of mta.Build, _ string, started time.Time, before mta.Remembered) mta.Reading {
	dir := of.Inventory().Host.MailDir.Text
	r := mta.Reading{Holds: func(string) bool { return false }}
	r.Steps = func() []string { return steps(r.Gaps) }
	if c.path == "" {
		r.Gaps = []mta.Gap{{What: "smtpd.conf is not found, so that it is not known whether the files are read", Write: include(dir)}}
		r.Says = []string{r.Gaps[0].What}
		return r
	}
	r.Gaps = c.gaps(dir, of.Inventory().Submission.Authorise)
	r.Judge(c.path, c.changed, started, append(slices.Clone(c.lines), rowtext.PlainLines(of.(Build).conf())...), before)
	return r
}

// steps returns what a person must do so that smtpd reads everything.
func steps(gaps []mta.Gap) (all []string) {
	if len(gaps) > 0 {
		all = append(all, "these lines are missing in smtpd.conf, or in another place (docs/opensmtpd.md):")
	}
	for _, g := range gaps {
		all = append(all, "    "+g.Write)
	}
	return append(all, "check it with smtpd -n, and "+words.Restart)
}

// sockets are the paths of the socket that smtpd makes when it starts. smtpd has no pid
// file, and is never told to read its configuration again.
var sockets = []string{"/var/run/smtpd.sock"}

// PidFiles returns the files that smtpd writes at every start.
func (c *configuration) PidFiles(elsewhere bool) []string {
	if elsewhere {
		return nil
	}
	return sockets
}

// Daemon returns the running smtpd: the one that listens at the socket.
func (c *configuration) Daemon(elsewhere bool) (d mta.Daemon, runs bool) {
	for _, path := range c.PidFiles(elsewhere) {
		info, err := os.Stat(path)
		if err != nil {
			continue
		}
		conn, err := net.DialTimeout("unix", path, time.Second)
		if err == nil {
			conn.Close()
		}
		if err == nil || errors.Is(err, syscall.EACCES) || errors.Is(err, os.ErrDeadlineExceeded) {
			return mta.Daemon{Started: info.ModTime()}, true
		}
	}
	return d, false
}
