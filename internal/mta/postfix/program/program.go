// Package program runs a Postfix of its own, to find out what Postfix does with an
// address. The instance listens on a free port of 127.0.0.1 and has a folder of its own.
// Its main.cf and master.cf come from those of a site, with these differences:
//
//   - No mail leaves the machine. Every service that would send it away or run a program is
//     discard(8).
//   - No restriction judges the client by the DNS or by a policy server, because the answer
//     would say nothing of the address.
//   - Filters and milters are left out, and so are TLS, SASL, limits and delays. With
//     Options.Logins a second smtpd lets every user log in whom the caller asks about.
//
// A running Postfix waits until a text that it reads, such as texthash:, is a second old. So
// give new files an earlier time. There are
//
//	RCPT      the reply to RCPT, for a client that must not relay
//	Ends      where mail for an address ends, without a delivery
//	Outcomes  both, as outcome.Outcome
//	Logins    the reply to a sender who has logged in
//
//	root, err := program.Installed()
//	…
//	p, err := program.Start(ctx, program.Options{Root: root, Folder: dir, Main: text})
//	…
//	defer p.Close()
//	got, err := p.Outcomes(ctx, []string{"info@bakery.example"})
//
// Only root may do this: master(8) starts daemons as several users.
package program

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A Root says where the programs of a Postfix are. It comes from Installed or Unpacked.
type Root struct {
	Sbin      string // command_directory
	Daemons   string // daemon_directory
	Libraries string // folder of the shared libraries; empty: the linker finds them

	shlib    string // shlib_directory
	meta     string // meta_directory, with dynamicmaps.cf; empty: the instance makes one
	sendmail string // sendmail_path
}

// Installed returns the Root of the installed Postfix, as its postconf says.
func Installed() (Root, error) {
	postconf, err := exec.LookPath("postconf")
	if err != nil {
		postconf, err = exec.LookPath("/usr/sbin/postconf")
	}
	if err != nil {
		return Root{}, errors.New("postfix is not installed: there is no postconf; install the package postfix")
	}
	names := []string{"command_directory", "daemon_directory", "shlib_directory", "meta_directory", "sendmail_path"}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := run(exec.CommandContext(ctx, postconf, append([]string{"-hx"}, names...)...))
	if err != nil {
		return Root{}, err
	}
	values := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if len(values) != len(names) {
		return Root{}, fmt.Errorf("%s -hx %s has the answer %q", postconf, strings.Join(names, " "), out)
	}
	return Root{Sbin: values[0], Daemons: values[1], shlib: values[2], meta: values[3], sendmail: values[4]}, nil
}

// BuiltIn returns the built-in values of the installed Postfix, by name (postconf -d), if dir
// is the folder of its configuration; nil: it is another folder, or Postfix does not answer.
func BuiltIn(ctx context.Context, dir string) map[string]string {
	root, err := Installed()
	if err != nil {
		return nil
	}
	own, err := root.Postconf(ctx, "", "-hd", "config_directory")
	if err != nil || strings.TrimSpace(own) != dir {
		return nil
	}
	out, err := root.Postconf(ctx, "", "-d")
	if err != nil {
		return nil
	}
	all := map[string]string{}
	for line := range strings.Lines(out) {
		if name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ="); ok {
			all[name] = strings.TrimPrefix(value, " ")
		}
	}
	return all
}

// Unpacked returns the Root of a Postfix whose packages are unpacked below a folder.
func Unpacked(dir string) Root {
	r := Root{Sbin: filepath.Join(dir, "usr/sbin"), Libraries: filepath.Join(dir, "usr/lib/postfix")}
	r.Daemons, r.shlib = filepath.Join(r.Libraries, "sbin"), r.Libraries
	if _, err := os.Stat(r.Daemons); err != nil { // as Fedora and the source have it
		r.Daemons, r.shlib = filepath.Join(dir, "usr/libexec/postfix"), "no"
	}
	return r
}

// MapTypes returns the types of maps that Postfix can open, such as cdb (postconf -m).
func (r Root) MapTypes(ctx context.Context) ([]string, error) {
	dir := ""
	if r.meta == "" {
		made, err := os.MkdirTemp("", "virtmap-postfix-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(made)
		dir = made
		if err := r.writeMeta(dir); err != nil {
			return nil, err
		}
		main := newMain(nil)
		main.set(r.places(dir))
		if err := main.write(filepath.Join(dir, "main.cf")); err != nil {
			return nil, err
		}
	}
	out, err := r.Postconf(ctx, dir, "-m")
	return strings.Fields(out), err
}

// Postconf returns the output of postconf for the main.cf and master.cf of a folder.
// Without a folder they are the installed ones.
func (r Root) Postconf(ctx context.Context, dir string, args ...string) (string, error) {
	return run(r.command(ctx, dir, filepath.Join(r.Sbin, "postconf"), args...))
}

// command prepares a program of Postfix.
func (r Root) command(ctx context.Context, dir, path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = []string{"PATH=" + r.Sbin + ":/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C", "MAIL_LOGTAG=postfix"}
	if dir != "" {
		cmd.Env = append(cmd.Env, "MAIL_CONFIG="+dir)
	}
	if r.Libraries != "" {
		cmd.Env = append(cmd.Env, "LD_LIBRARY_PATH="+r.Libraries)
	}
	inGroup(cmd)
	return cmd
}

// inGroup gives a program a process group, and ends the whole group with its context:
// sendmail(1) starts postdrop(1).
func inGroup(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	cmd.SysProcAttr.Setpgid = true
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
}

// run returns the standard output of a program. The error has its complaint.
func run(cmd *exec.Cmd) (string, error) {
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s: %w: %.2000s", filepath.Base(cmd.Path), err, bytes.TrimSpace(complaint.Bytes()))
	}
	return out.String(), nil
}

// plugins are the types of maps that are a library of their own in the packages of
// Debian, with the line for dynamicmaps.cf (postconf(5), meta_directory).
var plugins = []struct{ typ, line string }{
	{"cdb", "cdb\tpostfix-cdb.so\tdict_cdb_open\tmkmap_cdb_open\n"},
	{"ldap", "ldap\tpostfix-ldap.so\tdict_ldap_open\n"},
	{"lmdb", "lmdb\tpostfix-lmdb.so\tdict_lmdb_open\tmkmap_lmdb_open\n"},
	{"pcre", "pcre\tpostfix-pcre.so\tdict_pcre_open\n"},
}

// writeMeta writes dynamicmaps.cf with the libraries that are there.
func (r Root) writeMeta(dir string) error {
	var text strings.Builder
	for _, p := range plugins {
		if _, err := os.Stat(filepath.Join(r.shlib, "postfix-"+p.typ+".so")); err == nil {
			text.WriteString(p.line)
		}
	}
	return os.WriteFile(filepath.Join(dir, "dynamicmaps.cf"), []byte(text.String()), 0o644)
}

// places are the entries of main.cf that lead to the programs. dir is the configuration
// folder.
func (r Root) places(dir string) []entry {
	meta := r.meta
	if meta == "" {
		meta = dir
	}
	sendmail := r.sendmail
	if sendmail == "" {
		sendmail = filepath.Join(r.Sbin, "sendmail")
	}
	return []entry{
		{"command_directory", r.Sbin}, {"daemon_directory", r.Daemons}, {"shlib_directory", r.shlib},
		{"meta_directory", meta}, {"sendmail_path", sendmail}, {"mailq_path", sendmail}, {"newaliases_path", sendmail},
	}
}
