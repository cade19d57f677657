package postfix

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix/maincf"
	"virtmap/internal/regular"
)

// DefaultDir is the folder of Postfix's configuration (config_directory).
const DefaultDir = "/etc/postfix"

// A layout says which configuration is read, and where the files are that it names.
type layout struct {
	config *maincf.Config
	dir    string // the absolute path of the folder that is read
	home   string // the folder of the files on the server
	live   bool   // the folder is the one on the server, and not a copy
	at     func(path string) string
	built  *layout // the files of virtmap are those of this layout; nil: they are in dir
}

// readLayout reads the configuration of a place. If files of a build are looked at
// before they are in their places, or if there is no main.cf, the lines of
// virtmap.main.cf are added: what Postfix will read once main.cf has them.
func readLayout(at mta.Place) (*layout, error) {
	dir, err := filepath.Abs(at.Dir)
	if err != nil {
		return nil, err
	}
	l := &layout{dir: dir, at: at.At}
	if l.config, err = maincf.Read(dir); err != nil {
		return nil, err
	}
	if l.at == nil {
		l.at = func(path string) string { return path }
	}
	if at.At == nil && l.config.Path != "" {
		l.findHome()
		return l, l.readOrigin()
	}
	lines, err := regular.Read(l.at(filepath.Join(dir, fileMain)), regular.NoLimit)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if l.config.Path == "" {
		lines = append([]byte(bareLines), lines...)
	}
	l.findHome()
	l.config = l.config.Apply(lines)
	return l, l.readOrigin()
}

// findHome works out where the files are on the server. If main.cf names a file of its
// own folder, this folder is the one on the server. Otherwise the folder is a copy.
func (l *layout) findHome() {
	l.home, l.live = l.dir, true
	if l.config.Path == "" || l.dir == DefaultDir || slices.ContainsFunc(l.paths(), func(path string) bool { return filepath.Dir(path) == l.dir }) {
		return
	}
	l.home, l.live = DefaultDir, false
}

// tableParams are the parameters with tables that decide what becomes of mail.
var tableParams = []string{
	"virtual_alias_maps", "virtual_alias_domains", "mydestination", "virtual_mailbox_domains", "virtual_mailbox_maps", "relay_domains",
	"transport_maps", "alias_maps", "local_recipient_maps", "canonical_maps", "recipient_canonical_maps", recipientChecks,
	loginMaps, canonicalMaps,
}

// paths returns the paths of the files that the configuration names.
func (l *layout) paths() (paths []string) {
	for _, name := range tableParams {
		for _, word := range l.config.List(name) {
			if at := strings.IndexByte(word, '/'); at >= 0 && (at == 0 || word[at-1] == ':') {
				paths = append(paths, word[at:])
			}
		}
	}
	return paths
}

// place returns the file that is read for a path of the configuration. A file of
// virtmap is in the folder that is read, whatever folder the path has.
func (l *layout) place(path string) string {
	base := filepath.Base(path)
	inside := strings.HasPrefix(path, l.home+"/")
	switch {
	case l.built != nil && ours(mapfile.WithoutSuffix(base)):
		return l.built.place(path)
	case ours(mapfile.WithoutSuffix(base)):
		path = filepath.Join(l.dir, base)
	case l.live:
	case inside:
		path = filepath.Join(l.dir, strings.TrimPrefix(path, l.home+"/"))
	default:
		path = filepath.Join(l.dir, base)
	}
	return l.at(path)
}

// ours reports whether a name is that of a file of a build.
func ours(name string) bool {
	return slices.ContainsFunc(Files, func(f mta.File) bool { return f.Name == name })
}

// bare returns the layout of a server without any configuration of its own.
func bare(dir string) *layout {
	at := func(path string) string { return path }
	return &layout{config: maincf.Parse("", []byte(bareLines)), dir: dir, home: dir, live: true, at: at}
}

// bareLines are the main.cf of a server whose configuration is not known: today's
// defaults, and no alias file.
const bareLines = "compatibility_level = 3.6\nalias_database =\nalias_maps =\n"
