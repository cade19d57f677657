package program

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	_ "embed"
)

// namespace is a shell script that prepares the namespace and becomes smtpd. $1 is the
// root of the unpacked packages or empty, $2 the folder, $3 the host.
//
//go:embed namespace.sh
var namespace string

// Accounts of the namespace have numbers from firstUID on.
const firstUID = 20000

// write writes the files that smtpd reads.
func (s *Server) write(catcher string) error {
	for _, dir := range []string{"spool", "tables", "home"} {
		if err := os.Mkdir(s.path(dir), 0o711); err != nil {
			return err
		}
	}
	conf, err := s.config(catcher)
	if err != nil {
		return err
	}
	files := map[string]string{
		"smtpd.conf": conf, "aliases": s.Aliases, "resolv.conf": "nameserver 127.0.0.1\n",
		"nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
		"hosts":         "127.0.0.1 " + s.Host + " localhost\n::1 localhost\n",
	}
	for _, name := range []string{"passwd", "group"} {
		if files[name], err = s.accounts(name); err != nil {
			return err
		}
	}
	for name, text := range files {
		if err := os.WriteFile(s.path(name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	if err := s.homes(); err != nil {
		return err
	}
	if len(s.Users) > 0 {
		if err := s.writeLogins(); err != nil {
			return err
		}
	}
	return s.copyTables()
}

// accounts returns a passwd or group file: that of the machine, in which the accounts have
// other numbers. root stays, because smtpd needs it.
func (s *Server) accounts(name string) (string, error) {
	text, err := os.ReadFile(filepath.Join("/etc", name))
	if err != nil {
		return "", err
	}
	own := map[string]int{"opensmtpd": firstUID - 2, "opensmtpq": firstUID - 1}
	for i, user := range s.Accounts {
		if user != "root" {
			own[user] = firstUID + i
		}
	}
	var out strings.Builder
	for line := range strings.Lines(string(text)) {
		if user, _, _ := strings.Cut(line, ":"); own[user] == 0 {
			out.WriteString(line)
		}
	}
	for user, id := range own {
		if name == "group" {
			fmt.Fprintf(&out, "%s:x:%d:\n", user, id)
			continue
		}
		fmt.Fprintf(&out, "%s:x:%d:%d::%s:/bin/false\n", user, id, id, s.path("home/"+user))
	}
	return out.String(), nil
}

// homes makes the homes of the accounts. smtpd looks for .forward there.
func (s *Server) homes() error {
	for i, user := range s.Accounts {
		home := s.path("home/" + user)
		if err := os.Mkdir(home, 0o700); err != nil {
			return err
		}
		if err := os.Chown(home, firstUID+i, firstUID+i); err != nil {
			return err
		}
	}
	return nil
}

// copyTables copies the tables. A mailbox elsewhere becomes the home of its user, unless
// mail is delivered: smtpd defers mail for a user without a home.
func (s *Server) copyTables() error {
	files, err := os.ReadDir(s.Tables)
	if err != nil {
		return err
	}
	for _, file := range files {
		if !file.Type().IsRegular() {
			continue
		}
		text, err := os.ReadFile(filepath.Join(s.Tables, file.Name()))
		if err != nil {
			return err
		}
		if file.Name() == "mailboxes" && !s.Deliver {
			text = mailboxRow.ReplaceAllFunc(text, func(row []byte) []byte {
				user, _, _ := strings.Cut(string(row), "\t")
				return []byte(fmt.Sprintf("%s\t%d:%d:%s", user, firstUID, firstUID, s.path("home")))
			})
		}
		if err := os.WriteFile(s.path("tables/"+file.Name()), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

var mailboxRow = regexp.MustCompile(`(?m)^[^#\s][^\t\n]*\t.*$`)

// stock is the smtpd.conf of the package, with its two comments about mail from outside
// followed.
const stock = `action "local" maildir alias <aliases>
action "relay" relay

match for local action "local"
match from local for any action "relay"
`

// Parts of smtpd.conf. Without Deliver, local mail is thrown away, and no alias of the
// machine is followed, because an alias may run a program.
var (
	relaying   = regexp.MustCompile(`(?m)^(\s*action\s+\S+\s+)relay\b.*$`)
	delivering = regexp.MustCompile(`(?m)^(\s*action\s+\S+\s+)(?:maildir|mbox|mda|lmtp)\b.*$`)
	ciphers    = regexp.MustCompile(`(?m)^\s*smtp\s+ciphers\b.*$`)
	listening  = regexp.MustCompile(`(?m)^\s*listen\s+on\b.*$`)
	firstMatch = regexp.MustCompile(`(?m)^\s*match\b`)
	including  = regexp.MustCompile(`(?m)^\s*include\s+"([^"]*/virtmap\.conf)"\s*$`)
)

// config returns smtpd.conf with virtmap.conf in it.
func (s *Server) config(catcher string) (string, error) {
	own, err := os.ReadFile(filepath.Join(s.Tables, "virtmap.conf"))
	if err != nil {
		return "", err
	}
	text := string(s.Config)
	if s.Config == nil {
		text = "table aliases file:" + s.path("aliases") + "\n" + stock
		text = text[:firstMatch.FindStringIndex(text)[0]] + "include \"x/virtmap.conf\"\n" + text[firstMatch.FindStringIndex(text)[0]:]
	}
	text = including.ReplaceAllLiteralString(text, strings.ReplaceAll(string(own), s.Dir+"/", s.path("tables")+"/"))
	text = relaying.ReplaceAllString(text, "${1}relay host smtp+notls://"+catcher)
	if !s.Deliver {
		text = delivering.ReplaceAllStringFunc(text, thrownAway)
	}
	text = listening.ReplaceAllString(text, "")
	if len(s.Users) > 0 {
		text = ciphers.ReplaceAllString(text, "") + s.loginLines()
	}
	host, port, _ := strings.Cut(s.address, ":")
	return "listen on " + host + " port " + port + "\ntable asked_aliases file:" + s.path("aliases") + "\n" + text, nil
}

// thrownAway returns an action that throws mail away, for one that delivers it.
func thrownAway(action string) string {
	head := delivering.FindStringSubmatch(action)[1] + `mda "/bin/cat" `
	if strings.HasSuffix(action, "userbase <virtmap_mailboxes>") {
		return head + "userbase <virtmap_mailboxes>"
	}
	return head + "alias <asked_aliases>"
}
