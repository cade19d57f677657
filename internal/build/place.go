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

// Folders for the record of written files: StateInside within a folder that was given,
// and StateServer on the server itself.
const (
	StateInside = ".virtmap"
	StateServer = "/var/lib/virtmap"
)

// Folders are the folder of the files, and the state folder with the record of them. An
// empty one means the server's own.
type Folders struct{ Out, State string }

// onServer reports whether the state folder is the one of the server itself.
func (f Folders) onServer() bool { return f.State == StateServer }

// within fills in the folders that are empty. Out becomes the folder of the server.
// State becomes the server's own, or, if Out was given, a folder inside Out.
func (f Folders) within(server string) Folders {
	if f.Out == "" {
		f.Out, f.State = server, cmp.Or(f.State, StateServer)
	}
	f.State = cmp.Or(f.State, filepath.Join(f.Out, StateInside))
	return f
}

// Installed returns the folders of the installed files of a server.
func (f Folders) Installed(server *mta.Server) Folders { return f.within(server.Dir) }

// recorded returns the folder of the files for a record in the state folder. It is empty
// if the state folder is within it: both may be moved together.
func (f Folders) recorded() string {
	whole, err := filepath.Abs(f.Out)
	if err != nil || f.State == filepath.Join(f.Out, StateInside) {
		return ""
	}
	return whole
}

// place fills in the folders from the inventory.
func (r *run) place(host *inventory.Host) error {
	if r.Out == "" {
		if err := onHost(r.server, host); err != nil {
			return err
		}
	}
	r.Folders = r.within(host.MailDir.Text)
	return nil
}

// LookupUser returns the number of a user, given by name or number.
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

// IsFor reports whether a host is this machine.
func IsFor(server *mta.Server, host *inventory.Host) bool { return onHost(server, host) == nil }

// onHost returns an error if the inventory is for another machine. The inventory is for
// this one if host.name is the machine's name or its first word, or if the
// configuration in the mail folder gives the server this name.
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
		called = "" // the name is not known
	}
	if called == name {
		return nil
	}
	return &OtherHost{Here: names[0], Called: called, Wanted: name, Config: server.Words.Config}
}

// sameHost compares two names of a machine. One may be the first word of the other.
func sameHost(a, b string) bool {
	short := func(whole, word string) bool {
		first, _, dotted := strings.Cut(whole, ".")
		return dotted && first == word
	}
	return a == b || short(a, b) || short(b, a)
}

// ThisHost returns the full name of this machine; without one, the short name.
func ThisHost() (string, error) {
	names, err := namesOfThisHost()
	if err != nil {
		return "", err
	}
	return names[0], nil
}

// HostOf returns the name of the server that a folder is for: the name in its
// configuration, otherwise the name of this machine.
func HostOf(server *mta.Server, dir string) (string, error) {
	if host, err := calledHere(server, dir); host != "" || err != nil {
		return host, as(NoInput, err)
	}
	return ThisHost()
}

// calledHere returns the name of the server in the configuration of a folder; empty if
// the configuration does not have it.
func calledHere(server *mta.Server, dir string) (string, error) {
	if server.Site == nil {
		return "", nil
	}
	site, err := server.Site(dir)
	return site.Name, err
}

// MapOwner returns the user ID of the owner of new maps in a folder; -1: the user who
// runs the program.
func MapOwner(server *mta.Server, dir string) int {
	if os.Geteuid() != 0 {
		return -1
	}
	return Owner(server, dir)
}

// Owner returns the user ID of the owner of maps in the server's configuration; -1 if
// the configuration does not name one.
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

// IsLive reports whether a folder is the one from which the server reads, under the
// same name or another one.
func IsLive(dir string, host *inventory.Host) bool {
	whole, err := filepath.Abs(dir)
	return err == nil && regular.SamePath(whole, host.MailDir.Text)
}

func namesOfThisHost() ([]string, error) {
	here, err := os.Hostname()
	if err != nil {
		return nil, as(IO, err)
	}
	hosts, _ := regular.Read("/etc/hosts", regular.MaxBytes) // without it, only the short name is known
	return hostNames(here, string(hosts)), nil
}

// hostNames returns the full names of a machine: its own name if it has a dot,
// otherwise the names beside it in /etc/hosts. The last one is the own name.
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
