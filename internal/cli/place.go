package cli

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mta/sendmail/conf"
	"virtmap/internal/regular"
	"virtmap/inventory"
)

// Where the record of written files is kept: inside a folder given by -o, and
// at a place of its own on the server itself.
const (
	stateInside = ".virtmap"
	stateServer = "/var/lib/virtmap"
)

// place settles the folders of the files and of the state.
func (a *buildArgs) place(host *inventory.Host) error {
	if a.out == "" {
		if err := onHost(host); err != nil {
			return err
		}
		a.out = host.MailDir.Text
		a.state = firstOf(a.state, stateServer)
	}
	a.state = firstOf(a.state, filepath.Join(a.out, stateInside))
	return nil
}

func firstOf(given, other string) string {
	if given != "" {
		return given
	}
	return other
}

func lookupUser(name string) (uid int, err error) {
	if uid, err := strconv.Atoi(name); err == nil {
		return uid, nil
	}
	account, err := user.Lookup(name)
	if err != nil {
		return -1, err
	}
	return strconv.Atoi(account.Uid)
}

// onHost refuses to write to the mail folder of another machine. This one is
// host.name when it has that name, or the first word of it, or when the
// sendmail.cf in the mail folder calls the server so.
func onHost(host *inventory.Host) error {
	names, err := namesOfThisHost()
	if err != nil {
		return err
	}
	name := host.Name.Text
	if slices.ContainsFunc(names, func(here string) bool { return sameHost(here, name) }) {
		return nil
	}
	called, own := "", names[0]
	if config, err := conf.Read(host.MailDir.Text); err == nil && config.Host() != "" {
		if own = config.Host(); own == name {
			return nil
		}
		called = fmt.Sprintf(", which its sendmail.cf calls %q,", own)
	}
	return exit(exitRefused, fmt.Errorf("this machine is %q%s and the inventory is for %q, so that nothing was written. If it is that server, write \"host: {name: %s}\" into the inventory, or put %s beside %s in /etc/hosts; if it is not, write the files elsewhere with -o DIR",
		names[0], called, name, own, name, names[0]))
}

// sameHost compares two names of a machine, of which one may be the first word of
// the other.
func sameHost(a, b string) bool {
	short := func(whole, word string) bool {
		first, _, dotted := strings.Cut(whole, ".")
		return dotted && first == word
	}
	return a == b || short(a, b) || short(b, a)
}

func namesOfThisHost() ([]string, error) {
	here, err := os.Hostname()
	if err != nil {
		return nil, exit(exitIO, err)
	}
	hosts, _ := regular.Read("/etc/hosts", regular.MaxBytes) // without one there is only the short name to go by
	return hostNames(here, string(hosts)), nil
}

// hostNames gives the full names of a machine: its own, when that has a dot,
// and those that stand beside it in /etc/hosts otherwise.
func hostNames(here, hosts string) []string {
	here = mailaddr.Lower(strings.TrimSuffix(here, "."))
	if strings.Contains(here, ".") {
		return []string{here}
	}
	var full []string
	for line := range strings.Lines(mailaddr.Lower(hosts)) {
		line, _, _ = strings.Cut(line, "#")
		if names := strings.Fields(line); slices.Contains(names, here) {
			for _, name := range names[1:] {
				if strings.HasPrefix(name, here+".") {
					full = append(full, name)
				}
			}
		}
	}
	return append(full, here)
}
