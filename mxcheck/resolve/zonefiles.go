package resolve

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
)

// A ZoneFault is a fault in a zone file.
type ZoneFault struct {
	File  string
	Line  int  // 0: the file as a whole
	Fatal bool // name servers refuse the zone
	Text  string
	Help  string
}

func (f ZoneFault) String() string {
	place, severity := f.File, "warning"
	if f.Line > 0 {
		place = fmt.Sprintf("%s:%d", f.File, f.Line)
	}
	if f.Fatal {
		severity = "error"
	}
	text := place + ": " + severity + ": " + f.Text
	if f.Help != "" {
		text += "\n" + place + ": help: " + f.Help
	}
	return text
}

// LoadZones reads zone files. Each path is a file, a file with a colon and its
// origin, or a folder. In a folder the files *.zone, *.db and db.* are zone files.
// With a fatal fault the Zones must not be used.
func LoadZones(paths []string) (*Zones, []ZoneFault, error) {
	z := &Zones{zones: map[string]*zone{}, reading: Reading{Digests: map[string]string{}}}
	var faults []ZoneFault
	for _, path := range paths {
		files, err := zoneFiles(path)
		if err != nil {
			return nil, nil, err
		}
		for _, file := range files {
			z.reading.Files = append(z.reading.Files, file.path)
			l := zoneLoader{zoneFile: file, digests: z.reading.Digests}
			if err := l.load(); err != nil {
				return nil, nil, err
			}
			if other, twice := z.zones[l.zone.apex]; twice && l.zone.apex != "" {
				l.fault(0, "the zone %s is in %s already", l.zone.apex, other.file).help("give one of the two")
			}
			z.zones[l.zone.apex] = &l.zone
			faults = append(faults, l.faults...)
		}
	}
	slices.SortStableFunc(faults, func(a, b ZoneFault) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return z, faults, nil
}

// A Reading has the files of Zones with their digests. As long as ZoneFiles
// returns the same files and their digests are the same, LoadZones returns the
// same Zones.
type Reading struct {
	Files   []string          // the zone files, in the order of the paths
	Digests map[string]string // SHA-256 in hex by path, also of included files
}

// Reading returns the files that were read.
func (z *Zones) Reading() Reading { return z.reading }

// ZoneFiles returns the files that LoadZones would read now, in the same order.
func ZoneFiles(paths []string) ([]string, error) {
	var all []string
	for _, path := range paths {
		files, err := zoneFiles(path)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			all = append(all, file.path)
		}
	}
	return all, nil
}

// A zoneFile is a file to read and the name of its zone.
type zoneFile struct {
	path   string
	origin string // the name of the zone; empty: the file has it
	sure   bool   // another zone in the file is a fault
}

// zoneFiles returns the files of one path.
func zoneFiles(path string) ([]zoneFile, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return withOrigin(path, err)
	}
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []zoneFile{namedFile(path)}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var files []zoneFile
	for _, e := range entries {
		file := namedFile(filepath.Join(path, e.Name()))
		if info, err := os.Stat(file.path); err == nil && info.Mode().IsRegular() && file.origin != "" {
			files = append(files, file)
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%q holds no zone file: their names are like fakemail.example.zone, fakemail.example.db or db.fakemail.example", path)
	}
	return files, nil
}

// withOrigin parses a path of the form FILE:ORIGIN. missing is the error when the
// path has another form.
func withOrigin(text string, missing error) ([]zoneFile, error) {
	at := strings.LastIndexByte(text, ':')
	if at <= 0 {
		return nil, missing
	}
	path, origin := text[:at], text[at+1:]
	if _, err := os.Stat(path); err != nil {
		return nil, missing
	}
	if origin != "." {
		folded, problem := mailaddr.FoldDomain(origin)
		if problem != nil {
			return nil, fmt.Errorf("%q: the zone of %q: %s", text, path, problem.Text)
		}
		origin = folded
	}
	return []zoneFile{{path, origin, true}}, nil
}

// namedFile returns a file with the zone that its name stands for. The zone is sure
// when it has a dot.
func namedFile(path string) zoneFile {
	base := filepath.Base(path)
	name, ok := strings.CutSuffix(base, ".zone")
	if !ok {
		name, ok = strings.CutSuffix(base, ".db")
	}
	if !ok {
		name, ok = strings.CutPrefix(base, "db.")
	}
	origin, problem := mailaddr.FoldDomain(name)
	if !ok || problem != nil {
		return zoneFile{path: path}
	}
	return zoneFile{path, origin, strings.Contains(origin, ".")}
}
