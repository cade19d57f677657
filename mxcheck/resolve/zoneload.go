package resolve

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/miekg/dns"

	"virtmap/internal/regular"
	"virtmap/mxcheck"
)

// Limits of one zone file, with the files that it includes and the records that
// it generates.
const (
	maxZoneBytes   = regular.MaxBytes
	maxZoneRecords = 2_000_000
	maxIncludes    = 1000
)

// A zoneLoader reads one zone file.
type zoneLoader struct {
	zoneFile
	zone   zone
	read   []placed // all records
	soa    int      // the index of the SOA record in read
	faults []ZoneFault
	counts map[string]int // number of warnings, by their help

	lines    []*lineCounter    // the open files: each includes the next
	size     int64             // bytes read
	included int               // number of included files
	digests  map[string]string // by path: digests of the files that were read
}

// placed is a record with its file and line.
type placed struct {
	rr   dns.RR
	name string
	file string
	line int
}

// load reads the file and fills the zone.
func (l *zoneLoader) load() error {
	file, err := regular.Open(l.path)
	if err != nil {
		return err
	}
	defer file.Close()
	l.zone = zone{file: l.path, names: map[string]*node{}}
	if err := l.parse(file); err != nil {
		return err
	}
	if len(l.faults) > 0 || !l.findApex() {
		return nil
	}
	l.fillTTL()
	for i := range l.read {
		l.add(&l.read[i])
	}
	l.lint()
	return nil
}

// fault adds a fatal fault and returns it, so that the caller can add help.
func (l *zoneLoader) fault(line int, format string, args ...any) *ZoneFault {
	l.faults = append(l.faults, ZoneFault{File: l.path, Line: line, Fatal: true, Text: fmt.Sprintf(format, args...)})
	return &l.faults[len(l.faults)-1]
}

func (f *ZoneFault) help(format string, args ...any) { f.Help = fmt.Sprintf(format, args...) }

// refuse adds a fatal fault at a record.
func (l *zoneLoader) refuse(p *placed, help, format string, args ...any) {
	f := l.fault(p.line, format, args...)
	f.File, f.Help = p.file, help
}

// mostWarnings is the most warnings of one kind.
const mostWarnings = 10

// warn adds a warning at a record: name servers leave the record out, or read it in
// another way than a person does.
func (l *zoneLoader) warn(p *placed, help, format string, args ...any) {
	if l.counts == nil {
		l.counts = map[string]int{}
	}
	l.counts[help]++
	switch n := l.counts[help]; {
	case n < mostWarnings:
		l.refuse(p, help, format, args...)
	case n == mostWarnings:
		l.refuse(p, help, "%s; more like this are not shown", fmt.Sprintf(format, args...))
	default:
		return
	}
	l.faults[len(l.faults)-1].Fatal = false
}

// noTTL is the time to live of records without one. It is longer than the longest
// (RFC 2181 8).
const noTTL = math.MaxUint32 - 1

// parse reads the records with the parser of miekg/dns, which checks the syntax
// only.
func (l *zoneLoader) parse(file *os.File) error {
	origin := l.origin
	if origin != "" {
		origin = dns.Fqdn(origin)
	}
	folder, err := os.OpenRoot(filepath.Dir(l.path))
	if err != nil {
		return err
	}
	defer folder.Close()
	base := filepath.Base(l.path)
	parser := dns.NewZoneParser(l.countLines(file, base), origin, base)
	parser.SetDefaultTTL(noTTL)
	parser.SetIncludeAllowed(true)
	parser.SetIncludeFS(includes{folder, l})
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		in := l.lines[len(l.lines)-1]
		p := placed{rr, folded(rr.Header().Name), l.beside(in.name), in.line()}
		if !l.isRecord(&p) {
			return nil
		}
		l.read = append(l.read, p)
	}
	err = parser.Err()
	if broken := new(dns.ParseError); err != nil && !errors.As(err, &broken) {
		return fmt.Errorf("%q: %w", l.path, err)
	}
	if err != nil {
		l.syntax(err)
	}
	return nil
}

// beside returns the path of an included file.
func (l *zoneLoader) beside(name string) string { return filepath.Join(filepath.Dir(l.path), name) }

// isRecord refuses what the parser accepts as a record and is none.
func (l *zoneLoader) isRecord(p *placed) bool {
	h := p.rr.Header()
	switch {
	case len(l.read) == maxZoneRecords:
		l.refuse(p, "", "the zone has more than %d records", maxZoneRecords)
	case h.Name == "":
		l.refuse(p, "write its name, or @ for the zone itself", "the record has no name, and none stands before it")
	case empty(p.rr):
		l.refuse(p, "is the file cut off?", "the %s record of %s has no data", dns.TypeToString[h.Rrtype], shorten(p.name))
	case func() bool { _, ok := dns.IsDomainName(h.Name); return !ok }():
		l.refuse(p, "a name has at most 255 octets (RFC 1035 3.1)", "the name %s is too long with its origin", shorten(p.name))
	case h.Class != dns.ClassINET:
		l.refuse(p, "zones of the Internet are of class IN", "the record of %s is of class %s", shorten(p.name), dns.ClassToString[h.Class])
	default:
		return true
	}
	return false
}

// empty reports whether a record has no data. The parser makes such a record of a
// line that ends after the type.
func empty(rr dns.RR) bool {
	switch rr := rr.(type) {
	case *dns.MX:
		return rr.Mx == ""
	case *dns.NS:
		return rr.Ns == ""
	case *dns.PTR:
		return rr.Ptr == ""
	case *dns.TXT:
		return len(rr.Txt) == 0
	case *dns.TLSA:
		return rr.Certificate == ""
	case *dns.CNAME:
		return rr.Target == ""
	case *dns.DNAME:
		return rr.Target == ""
	case *dns.SOA:
		return rr.Ns == ""
	case *dns.A:
		return len(rr.A) == 0
	case *dns.AAAA:
		return len(rr.AAAA) == 0
	}
	return false
}

// shorten cuts a long text for a message.
func shorten(text string) string {
	const most = 80
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// parserPlace matches the errors of the parser: file, text and line.
var parserPlace = regexp.MustCompile(`^(?:(.*): )?dns: (?s:(.*)) at line: (\d+):\d+$`)

// syntax adds a fault for an error of the parser.
func (l *zoneLoader) syntax(err error) {
	file, text, line := "", err.Error(), 0
	if m := parserPlace.FindStringSubmatch(text); m != nil {
		file, text = m[1], m[2]
		line, _ = strconv.Atoi(m[3]) // digits only
	}
	f := l.fault(line, "%s", shorten(text))
	if file != "" {
		f.File = l.beside(file)
	}
	switch {
	case l.origin == "" && strings.Contains(text, "owner name"):
		f.help("the zone's own name is not known: begin the file with $ORIGIN fakemail.example. or write --zone %s:fakemail.example", l.path)
	case strings.Contains(text, "not a TTL"):
		f.help("it is no type of records, no class and no time to live; a comment begins with a semicolon")
	case strings.Contains(text, "nested $INCLUDE"):
		f.help("does the file include itself?")
	case strings.Contains(text, regular.ErrNotRegular.Error()):
		f.help("what it includes is a file, no pipe, device or folder")
	case strings.Contains(text, "failed to open"):
		f.help("what a zone file includes is taken from its own folder only")
	}
}

// findApex finds the name of the zone, which is that of its SOA record.
func (l *zoneLoader) findApex() bool {
	l.soa = -1
	for i := range l.read {
		p := &l.read[i]
		switch soa, ok := p.rr.(*dns.SOA); {
		case ok && l.soa >= 0:
			l.refuse(p, "one zone a file", "a second SOA record, of %s", shorten(p.name))
		case ok:
			l.soa = i
			l.zone.apex = p.name
			l.zone.proof = mxcheck.Proof{Zone: p.name, TTL: min(soa.Hdr.Ttl, soa.Minttl)}
		}
	}
	switch {
	case l.soa < 0:
		l.fault(0, "the zone has no SOA record").help("every zone has one (RFC 1035 5.2)")
	case l.sure && l.zone.apex != l.origin:
		l.refuse(&l.read[l.soa], "mend one of the two", "the SOA record is of %s, and the file is of %s", shorten(l.zone.apex), l.origin)
	}
	return len(l.faults) == 0
}

// fillTTL sets missing times to live to the minimum of the SOA record, as BIND
// does. A time to live is missing when the record has none, and no record before
// it has one (RFC 1035 5.1).
func (l *zoneLoader) fillTTL() {
	minimum := l.read[l.soa].rr.(*dns.SOA).Minttl
	for i := range l.read {
		switch h := l.read[i].rr.Header(); {
		case h.Ttl == noTTL:
			h.Ttl = minimum
			l.warn(&l.read[i], "begin the file with $TTL 3600", "the record has no time to live; name servers take %d seconds, or one of their own", minimum)
		case h.Ttl > math.MaxInt32:
			l.warn(&l.read[i], "the longest is 2147483647 seconds (RFC 2181 8)", "the time to live %d counts as 0", h.Ttl)
		}
	}
}

// add adds a record to the zone, if its name is in the zone.
func (l *zoneLoader) add(p *placed) {
	switch apex := l.zone.apex; {
	case p.name != apex && apex != "." && !strings.HasSuffix(p.name, "."+apex):
		l.warn(p, "names without a final dot get the origin behind them; records of other zones belong into their files",
			"%s is not in the zone %s and is left out", shorten(p.name), apex)
		return
	case strings.ContainsFunc(p.name, func(r rune) bool { return r == '\\' || r > unicode.MaxASCII }):
		l.warn(p, "mail domains have letters, digits and hyphens; others are written as A-labels (xn--…)",
			"%s has characters that no mail domain has and is left out", shorten(p.name))
		return
	}
	n := l.zone.makeNode(p.name)
	if d, ok := p.rr.(*dns.DNAME); ok {
		if n.dname.Target != "" {
			l.refuse(p, "keep one of them (RFC 6672 2.4)", "%s has two DNAME records", p.name)
		}
		n.dname = mxcheck.Record{Type: mxcheck.TypeCNAME, TTL: d.Hdr.Ttl, Target: folded(d.Target)}
	}
	r, known := record(p.rr)
	if !known {
		r = mxcheck.Record{Type: mxcheck.Type(p.rr.Header().Rrtype)}
	}
	if n.add(r) {
		l.besideAlias(p, n)
	}
	l.zone.divided = l.zone.divided || n.dname.Target != "" || n.cut && p.name != l.zone.apex
}
