package build

import (
	"cmp"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/regular"
	"virtmap/inventory"
)

// Where the record of written files is kept: inside a folder that was named, and
// at a place of its own on the server itself.
const (
	StateInside = ".virtmap"
	StateServer = "/var/lib/virtmap"
)

// Folders are those of the files and of the record of them. Empty ones are where a
// server has them.
type Folders struct{ Out, State string }

// onServer reports whether the state is that of the server itself.
func (f Folders) onServer() bool { return f.State == StateServer }

// within gives the folders where none was given: the files are in the folder of a
// server, or the state is inside the folder that was given.
func (f Folders) within(server string) Folders {
	if f.Out == "" {
		f.Out, f.State = server, cmp.Or(f.State, StateServer)
	}
	f.State = cmp.Or(f.State, filepath.Join(f.Out, StateInside))
	return f
}

// Installed gives the folders of files that are installed for a server.
func (f Folders) Installed(server *mta.Server) Folders { return f.within(server.Dir) }

// place settles the folders by the inventory.
func (r *run) place(host *inventory.Host) error {
	if r.Out == "" {
		if err := onHost(r.server, host); err != nil {
			return err
		}
	}
	r.Folders = r.within(host.MailDir.Text)
	return nil
}

// LookupUser gives the number of a user by the name, or of what is one already.
func LookupUser(name string) (uid int, err error) {
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
func onHost(server *mta.Server, host *inventory.Host) error {
	names, err := namesOfThisHost()
	if err != nil {
		return err
	}
	name := host.Name.Text
	if slices.ContainsFunc(names, func(here string) bool { return sameHost(here, name) }) {
		return nil
	}
	called, err := calledHere(server, host.MailDir.Text)
	if err != nil {
		called = "" // it is not known
	}
	if called == name {
		return nil
	}
	return &OtherHost{Here: names[0], Called: called, Wanted: name}
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

// ThisHost is the full name of this machine, where it has one.
func ThisHost() (string, error) {
	names, err := namesOfThisHost()
	if err != nil {
		return "", err
	}
	return names[0], nil
}

// HostOf is the name of the server that a folder is for: that of its
// configuration, or of this machine.
func HostOf(server *mta.Server, dir string) (string, error) {
	if host, err := calledHere(server, dir); host != "" || err != nil {
		return host, as(NoInput, err)
	}
	return ThisHost()
}

// calledHere is what the server of a folder calls itself; empty where its
// configuration does not say it.
func calledHere(server *mta.Server, dir string) (string, error) {
	if server.Site == nil {
		return "", nil
	}
	site, err := server.Site(dir)
	return site.Name, err
}

// MapOwner is the user that new maps in a folder belong to, -1 for the one who runs
// the program.
func MapOwner(server *mta.Server, dir string) int {
	if os.Geteuid() != 0 {
		return -1
	}
	return Owner(server, dir)
}

// Owner is the user that the server's configuration gives maps to, -1 where it does
// not say.
func Owner(server *mta.Server, dir string) int {
	if server.Site == nil {
		return -1
	}
	site, err := server.Site(dir)
	if err != nil || site.Owner == "" {
		return -1
	}
	uid, err := LookupUser(site.Owner)
	if err != nil {
		return -1
	}
	return uid
}

// IsLive reports whether a folder is the one from which the server reads, under its
// own name or another.
func IsLive(dir string, host *inventory.Host) bool {
	whole, err := filepath.Abs(dir)
	return err == nil && regular.SamePath(whole, host.MailDir.Text)
}

func namesOfThisHost() ([]string, error) {
	here, err := os.Hostname()
	if err != nil {
		return nil, as(IO, err)
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
