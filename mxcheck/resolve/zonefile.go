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

	"github.com/miekg/dns"

	"virtmap/internal/mailaddr"
	"virtmap/mxcheck"
)

// A ZoneFault is what is wrong with a zone file.
type ZoneFault struct {
	File  string
	Line  int // 0: the file as a whole
	Fatal bool
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

// Bounds of one zone file with what it includes and generates.
const (
	maxZoneBytes   = 256 << 20
	maxZoneRecords = 5_000_000
	maxIncludes    = 1000
)

// LoadZones reads zone files. Each path is a file, a file with its origin
// behind a colon, or a folder, of which the files *.zone, *.db and db.* are
// taken. What is wrong with the files is in the faults; with a fatal one the
// Zones are not to be used.
func LoadZones(paths []string) (*Zones, []ZoneFault, error) {
	z := &Zones{zones: map[string]*zone{}}
	var faults []ZoneFault
	for _, path := range paths {
		files, err := zoneFiles(path)
		if err != nil {
			return nil, nil, err
		}
		for _, file := range files {
			l := zoneLoader{path: file.path, origin: file.origin}
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

type zoneFile struct{ path, origin string }

// zoneFiles gives the files that a path stands for.
func zoneFiles(path string) ([]zoneFile, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if at := strings.LastIndexByte(path, ':'); at > 0 {
			origin, problem := mailaddr.FoldDomain(path[at+1:])
			if _, err := os.Stat(path[:at]); err == nil && problem == nil {
				return []zoneFile{{path[:at], origin}}, nil
			}
		}
	}
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []zoneFile{{path, originOf(path)}}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var files []zoneFile
	for _, e := range entries {
		if origin := originOf(e.Name()); origin != "" && !e.IsDir() {
			files = append(files, zoneFile{filepath.Join(path, e.Name()), origin})
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%q holds no zone file: their names are like fakemail.example.zone, fakemail.example.db or db.fakemail.example", path)
	}
	return files, nil
}

// originOf tells the origin of a zone by the name of its file.
func originOf(path string) string {
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
		return ""
	}
	return origin
}

// A zoneLoader reads one zone file.
type zoneLoader struct {
	path, origin string
	zone         zone
	read         []placed
	faults       []ZoneFault
	lines        []*lineCounter // the file and what it includes, innermost last
	size         int64
	included     int
}

// placed is a record with its place.
type placed struct {
	rr   dns.RR
	name string
	file string
	line int
}

func (l *zoneLoader) load() error {
	file, err := os.Open(l.path)
	if err != nil {
		return err
	}
	defer file.Close()
	l.zone = zone{file: l.path, names: map[string]*node{}}
	if err := l.parse(file); err != nil {
		return err
	}
	if !l.findApex() {
		return nil
	}
	for _, p := range l.read {
		l.add(p)
	}
	l.checkNodes()
	return nil
}

// fault adds a fatal fault and gives it, for its help.
func (l *zoneLoader) fault(line int, format string, args ...any) *ZoneFault {
	l.faults = append(l.faults, ZoneFault{File: l.path, Line: line, Fatal: true, Text: fmt.Sprintf(format, args...)})
	return &l.faults[len(l.faults)-1]
}

func (f *ZoneFault) help(format string, args ...any) { f.Help = fmt.Sprintf(format, args...) }

func (f *ZoneFault) at(p placed) *ZoneFault {
	f.File, f.Line = p.file, p.line
	return f
}

func (f *ZoneFault) warn() *ZoneFault {
	f.Fatal = false
	return f
}

// parse reads the records with the syntax reader of miekg/dns, which holds
// them to nothing else.
func (l *zoneLoader) parse(file *os.File) error {
	origin := l.origin
	if origin != "" {
		origin = dns.Fqdn(origin)
	}
	reader := l.count(file, filepath.Base(l.path))
	parser := dns.NewZoneParser(reader, origin, filepath.Base(l.path))
	parser.SetIncludeAllowed(true)
	parser.SetIncludeFS(includes{os.DirFS(filepath.Dir(l.path)), l})
	for {
		rr, ok := parser.Next()
		if !ok {
			break
		}
		in := l.lines[len(l.lines)-1]
		if len(l.read) == maxZoneRecords {
			l.fault(in.line(), "the zone has more than %d records", maxZoneRecords)
			return nil
		}
		l.read = append(l.read, placed{rr, folded(rr.Header().Name), filepath.Join(filepath.Dir(l.path), in.name), in.line()})
	}
	err := parser.Err()
	var broken *dns.ParseError
	switch {
	case err == nil:
	case errors.As(err, &broken):
		in := l.lines[len(l.lines)-1]
		f := l.fault(in.line(), "%s", syntaxText(err, in.name))
		f.File = filepath.Join(filepath.Dir(l.path), in.name)
		switch {
		case strings.Contains(err.Error(), "missing TTL"):
			f.help("begin the file with $TTL 3600, or give every record its time to live")
		case origin == "" && strings.Contains(err.Error(), "owner name"):
			f.help("the zone's own name is not known: begin the file with $ORIGIN fakemail.example. or write --zone %s:fakemail.example", l.path)
		}
	default:
		return fmt.Errorf("%q: %w", l.path, err)
	}
	return nil
}

// syntaxText takes the parser's own place and prefix off its message.
func syntaxText(err error, file string) string {
	text := strings.TrimPrefix(err.Error(), file+": ")
	text = strings.TrimPrefix(text, "dns: ")
	if at := strings.LastIndex(text, " at line: "); at >= 0 {
		text = text[:at]
	}
	return text
}

// findApex finds the zone's own name: that of its SOA record.
func (l *zoneLoader) findApex() bool {
	i := slices.IndexFunc(l.read, func(p placed) bool { return p.rr.Header().Rrtype == dns.TypeSOA })
	if i < 0 {
		if len(l.faults) == 0 {
			l.fault(0, "the zone has no SOA record").help("every zone begins with one (RFC 1035 5.2)")
		}
		return false
	}
	soa := l.read[i].rr.(*dns.SOA)
	l.zone.apex = l.read[i].name
	l.zone.proof = mxcheck.Proof{Zone: l.zone.apex, TTL: min(soa.Hdr.Ttl, soa.Minttl)}
	l.zone.names[l.zone.apex] = &node{}
	return true
}

// add takes a record into the zone, if it is in there.
func (l *zoneLoader) add(p placed) {
	apex := l.zone.apex
	if p.name != apex && apex != "." && !strings.HasSuffix(p.name, "."+apex) {
		l.fault(0, "%s is not in the zone %s and is left out", p.name, apex).at(p).warn().
			help("names without a final dot get the origin behind them; records of other zones belong into their files")
		return
	}
	if p.rr.Header().Class != dns.ClassINET {
		return
	}
	for _, name := range l.zone.path(p.name) {
		if l.zone.names[name] == nil {
			l.zone.names[name] = &node{}
		}
	}
	n := l.zone.names[p.name]
	r, known := record(p.rr)
	if d, ok := p.rr.(*dns.DNAME); ok {
		n.dname = mxcheck.Record{Type: mxcheck.TypeCNAME, TTL: d.Hdr.Ttl, Target: folded(d.Target)}
	}
	if !known {
		r = mxcheck.Record{Type: mxcheck.Type(p.rr.Header().Rrtype)}
	}
	if !slices.Contains(n.records, r) {
		n.records = append(n.records, r)
	}
}
