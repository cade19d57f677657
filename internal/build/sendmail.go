package build

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta/sendmail"
	"virtmap/internal/mta/sendmail/conf"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/publish"
	"virtmap/inventory"
	"virtmap/virtuser"
)

// What a run knows of sendmail by name is in this file, in wiring.go and in
// readable.go: the names of its files, and what they are for.

// Names of files.
const (
	DefaultDir  = mcfile.DefaultDir   // the server's own folder
	localList   = mcfile.HostNames    // the domains whose mail is delivered here
	relayedList = mcfile.RelayDomains // the domains whose mail is relayed
	tableName   = mcfile.Virtusertable
	aliasesName = mcfile.Aliases
	includeName = mcfile.Include // the lines for the main configuration
)

// setNames are the texts of a set, in the order in which they are put in place.
var setNames = []string{tableName, aliasesName, relayedList, localList, includeName}

// MapGap is how far apart two swaps of one map are: a sendmail that has it open
// compares times in whole seconds.
const MapGap = 2 * time.Second

// IsTable reports whether a file is the virtusertable, its text or a map.
func IsTable(path string) bool { return mapfile.WithoutSuffix(filepath.Base(path)) == tableName }

// waiting gives the faults of rows that wait for a domain which is held back.
func waiting(anew *diag.List) []diag.Fault { return virtuser.Waits(anew) }

// tableDomains gives the domains of the rows of a virtusertable.
func tableDomains(src *diag.Source, faults *diag.List) []string {
	var names []string
	table := virtuser.Parse(src, faults)
	for i := range table.Len() {
		key, _ := table.Row(i)
		if _, domain, ok := mailaddr.Split(string(key)); ok {
			names = append(names, domain)
		}
	}
	return names
}

// Kinds say what changed, of three kinds that a server takes in each its own way.
type Kinds struct{ Map, Names, Config bool }

// kindsOf gives the kinds of some changes. mc is the server's sendmail.mc, where it
// is written. A file that says the same in another way counts for nothing: sendmail
// needs no restart for it.
func kindsOf(changes []publish.Change, mc string) (k Kinds) {
	for _, change := range changes {
		if change.Alike {
			continue
		}
		switch base := filepath.Base(change.Path); {
		case change.Path == mc || base == includeName:
			k.Config = true
		case base == localList || base == relayedList:
			k.Names = true
		default:
			k.Map = true
		}
	}
	return k
}

// kindWords are the words of the kinds, as the command of OnChange is told.
var kindWords = [...]string{"map", "names", "mc"}

// String gives the words of the kinds with spaces between.
func (k Kinds) String() string {
	var words []string
	for i, is := range [...]bool{k.Map, k.Names, k.Config} {
		if is {
			words = append(words, kindWords[i])
		}
	}
	return strings.Join(words, " ")
}

// parseKinds reads what String gives, and other words between.
func parseKinds(text string) Kinds {
	words := strings.Fields(text)
	has := func(i int) bool { return slices.Contains(words, kindWords[i]) }
	return Kinds{Map: has(0), Names: has(1), Config: has(2)}
}

// IsLive reports whether a folder is the one from which the server reads, under its
// own name or another.
func IsLive(dir string, host *inventory.Host) bool {
	whole, err := filepath.Abs(dir)
	return err == nil && conf.SamePath(conf.Clean(whole), host.MailDir.Text)
}

// Configuration reads the sendmail.cf of a folder. Where it has none, and the
// files are those of this machine, the one of /etc/mail counts, if it names a file
// there.
func Configuration(dir string, here bool) (*conf.Config, error) {
	c, err := conf.Read(dir)
	if err != nil || c.Path != "" || !here {
		return c, err
	}
	usual, err := conf.Read(DefaultDir)
	if err == nil && slices.ContainsFunc(usual.Paths(), func(path string) bool { return conf.SamePath(filepath.Dir(path), dir) }) {
		return usual, nil
	}
	return c, err
}

// calledHere is what the server of a folder calls itself; empty where its
// configuration does not say it.
func calledHere(dir string) (string, error) {
	c, err := conf.Read(dir)
	if err != nil {
		return "", err
	}
	return c.Host(), nil
}

// MapOwner is who owns new maps in a folder, -1 for the one who runs us.
func MapOwner(dir string) int {
	if os.Geteuid() != 0 {
		return -1
	}
	return sendmail.TrustedUser(dir, LookupUser)
}

// copySet copies the files of a set.
func copySet(from, to string) error {
	for _, name := range []string{tableName, aliasesName, localList, relayedList} {
		for _, suffix := range []string{"", ".db", ".cdb"} {
			err := sendmail.CopyFile(filepath.Join(from, name+suffix), filepath.Join(to, name+suffix))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}
