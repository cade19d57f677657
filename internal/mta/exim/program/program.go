// Package program asks a real Exim 4 what it does with addresses: the reply to RCPT, by
// exim -bh, and where the mail ends, by exim -bt. No daemon is started, and no mail is
// sent. The Exim has a configuration and a spool folder of its own, so that it answers
// beside a mail server that runs, and need not be installed.
//
//	e, err := program.New(ctx, program.Options{Root: program.Unpacked("/opt/exim"), …})
//	outcomes, err := e.Outcomes(ctx, []string{"info@a.example"})
package program

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"virtmap/internal/outcome"
)

// A Root is an Exim on this machine.
type Root struct {
	Exim     string // the path of the program
	Template string // the path of Debian's exim4.conf.template
}

// Unpacked returns the Exim of the packages of Debian below a folder.
func Unpacked(root string) Root {
	return Root{Exim: filepath.Join(root, "usr/sbin/exim4"), Template: filepath.Join(root, "etc/exim4/exim4.conf.template")}
}

// Installed returns the installed Exim.
func Installed() (Root, error) {
	for _, name := range []string{"exim4", "exim"} {
		for _, folder := range []string{"", "/usr/sbin/", "/usr/local/sbin/", "/usr/exim/bin/"} {
			if path, err := exec.LookPath(folder + name); err == nil {
				return Root{Exim: path, Template: "/etc/exim4/exim4.conf.template"}, nil
			}
		}
	}
	return Root{}, errors.New("no Exim is installed: neither exim4 nor exim is found")
}

// Options are what an Exim is asked over.
type Options struct {
	Root   Root
	Folder string // a new folder for the configuration and the spool
	Tables string // the folder of the tables and snippets of a build
	Host   string // the server's own name

	// Site is the configuration of a server that already reads the snippets. nil: the
	// template of Debian is used, with the snippets of Tables.
	Site *Configuration
	// Aliases is the text of the server's own alias file, for the template.
	Aliases string

	Decides func(addr string) bool   // reports whether a row decides what becomes of an address
	Local   func(domain string) bool // reports whether other mail for a domain is for accounts
	Mailbox func(user string) string // returns the path of the mailbox of a user
	Aliased func(local string) bool  // reports whether the server's own aliases lead on from a local part; nil: from none
}

// An Exim answers for addresses.
type Exim struct{ Options }

// New writes the configuration, and lets Exim check it.
func New(ctx context.Context, o Options) (*Exim, error) {
	e := &Exim{o}
	if err := e.write(); err != nil {
		return nil, fmt.Errorf("the configuration for Exim: %w", err)
	}
	if _, err := e.run(ctx, "", "-bV"); err != nil {
		return nil, err
	}
	return e, nil
}

func (e *Exim) conf() string { return filepath.Join(e.Folder, "exim.conf") }

// run runs Exim and returns its standard output. 1 and 2 are the exit codes of exim -bt
// for an address that is deferred or refused.
func (e *Exim) run(ctx context.Context, stdin string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, e.Root.Exim, append([]string{"-C", e.conf()}, args...)...)
	cmd.Env = environment
	cmd.Dir = "/"
	var out, errOut strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errOut
	err := cmd.Run()
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) && args[0] == "-bt" && (failed.ExitCode() == 1 || failed.ExitCode() == 2) {
		err = nil
	}
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %.1000s", e.Root.Exim, args[0], err, errOut.String()+out.String())
	}
	return out.String(), nil
}

// Outcomes returns the outcome of mail from a stranger to each address.
func (e *Exim) Outcomes(ctx context.Context, addrs []string) ([]outcome.Outcome, error) {
	for _, addr := range addrs {
		if strings.ContainsAny(addr, "\r\n\x00") {
			return nil, fmt.Errorf("the address %q has a control character", addr)
		}
	}
	all, err := e.RCPT(ctx, addrs)
	if err != nil {
		return nil, err
	}
	var taken []string
	for i, o := range all {
		if o.Taken {
			taken = append(taken, addrs[i])
		}
	}
	ends, err := e.Ends(ctx, taken)
	for i := range all {
		if all[i].Taken {
			all[i].Recipients = ends[addrs[i]]
		}
	}
	return all, err
}

// spool makes the folder of the spool, which Exim's own user may write.
func (e *Exim) spool() (string, error) {
	spool := filepath.Join(e.Folder, "spool")
	if err := os.MkdirAll(spool, 0o755); err != nil {
		return "", err
	}
	return spool, os.Chmod(spool, 0o777)
}

// Lookups returns the types of look-ups that an Exim has, such as cdb.
func (r Root) Lookups(ctx context.Context) ([]string, error) {
	out, err := exec.CommandContext(ctx, r.Exim, "-C", "/dev/null", "-bV").Output()
	if err != nil {
		return nil, fmt.Errorf("%s -bV: %w", r.Exim, err)
	}
	for line := range strings.Lines(string(out)) {
		if names, ok := strings.CutPrefix(line, "Lookups"); ok {
			_, names, _ = strings.Cut(names, ":")
			return strings.Fields(names), nil
		}
	}
	return nil, fmt.Errorf("%s -bV names no look-ups", r.Exim)
}
