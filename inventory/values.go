package inventory

import (
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
)

func (r *reader) version(v value) {
	if name, ok := r.scalar(v, "version"); ok && name.Text != "1" {
		r.fault(CheckValue.At(v.pos(), v.size(), "version %q is not known to this virtmap", name.Text).
			WithHelp("write: version: 1"))
	}
}

// oneOf reads one of a few words. After a fault the result is the first word.
func oneOf[T ~string](r *reader, v value, what string, words ...T) T {
	name, ok := r.scalar(v, what)
	if !ok {
		return words[0]
	}
	if i := slices.Index(words, T(name.Text)); i >= 0 {
		return words[i]
	}
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = string(w)
	}
	r.fault(CheckValue.At(v.pos(), v.size(), "%s is %q", what, name.Text).WithHelp("%s", diag.OneOf(mailaddr.Lower(name.Text), all...)))
	return words[0]
}

func (r *reader) boolean(v value, what string) bool {
	return oneOf(r, v, what, "true", "false") == "true"
}

func (r *reader) detail(v value) Detail {
	switch oneOf(r, v, "detail", "drop", "keep", "reject") {
	case "keep":
		return DetailKeep
	case "reject":
		return DetailReject
	}
	return DetailDrop
}

func (r *reader) number(v value, what string) int {
	name, ok := r.scalar(v, what)
	if !ok {
		return 0
	}
	n, err := strconv.Atoi(name.Text)
	if err != nil || n < 0 || n > 1_000_000_000 {
		r.fault(CheckValue.At(v.pos(), v.size(), "%s is %q, not a number", what, name.Text).WithHelp("write a number such as 10"))
	}
	return n
}

// id reads the number of a user or a group. 4294967295 means no number at all to the
// calls that change the user of a process. After a fault the result has only the place.
func (r *reader) id(v value, what string) ID {
	name, ok := r.scalar(v, what)
	if !ok {
		return ID{}
	}
	n, err := strconv.ParseUint(name.Text, 10, 32)
	if err != nil || n == 0 || n > math.MaxUint32-1 {
		r.fault(CheckValue.At(v.pos(), v.size(), "%s is %q, not a number from 1 to %d", what, name.Text, math.MaxUint32-1).
			WithHelp("write the number that the command id prints, such as 1002"))
		return ID{Pos: name.Pos}
	}
	return ID{uint32(n), name.Pos}
}

func (r *reader) percent(v value, what string) int {
	name, ok := r.scalar(v, what)
	if !ok {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSuffix(name.Text, "%"))
	if err != nil || n < 0 || n > 100 || !strings.HasSuffix(name.Text, "%") {
		r.fault(CheckValue.At(v.pos(), v.size(), "%s is %q, not a percentage", what, name.Text).WithHelp("write 0%% to 100%%, such as 30%%"))
	}
	return n
}

// maxDuration is ten years.
const maxDuration = 10 * 365 * 24 * time.Hour

var durationUnits = map[byte]time.Duration{
	's': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour,
}

func (r *reader) duration(v value, what string) time.Duration {
	name, ok := r.scalar(v, what)
	if !ok {
		return 0
	}
	unit := durationUnits[name.Text[len(name.Text)-1]]
	n, err := strconv.Atoi(name.Text[:len(name.Text)-1])
	if err != nil || n < 0 || unit == 0 || n > int(maxDuration/unit) {
		r.fault(CheckValue.At(v.pos(), v.size(), "%s is %q, not a duration", what, name.Text).
			WithHelp("write a number and s, m, h, d or w, such as 24h"))
		return 0
	}
	return time.Duration(n) * unit
}

// problem reports a problem that mailaddr found.
func (r *reader) problem(c *diag.Check, v value, p *mailaddr.Problem) {
	r.fault(diag.Fault{Check: c, Pos: v.pos(), Len: v.size(), Text: p.Text, Help: p.Help})
}

func (r *reader) domainName(v value, what string) Name {
	name, ok := r.scalar(v, what)
	if !ok {
		return Name{}
	}
	if strings.Contains(name.Text, "@") {
		r.fault(checkDomain.At(v.pos(), v.size(), "%s is the address %q, not a domain", what, name.Text).
			WithHelp("write only what stands behind the @"))
		return Name{}
	}
	folded, problem := mailaddr.FoldDomain(name.Text)
	if problem != nil {
		r.problem(checkDomain, v, problem)
		return Name{}
	}
	return Name{Text: folded, Pos: name.Pos}
}

// sameAs reads the name of the domain that another domain copies.
func (r *reader) sameAs(v value) Name {
	if !v.isList() {
		return r.domainName(v, "same_as")
	}
	help := "write one domain: same_as: fakemail.example"
	if all := v.node.Content; len(all) > 0 && v.child(all[0]).isScalar() && all[0].Value != "" {
		help = "write one domain: same_as: " + all[0].Value
	}
	r.fault(checkShape.At(v.pos(), 1, "same_as takes a single domain name, not a list").WithHelp("%s", help))
	return Name{}
}

func (r *reader) domainNames(v value, what string) []Name {
	var names []Name
	seen := map[string]diag.Pos{}
	r.items(v, what, func(item value) {
		name := r.domainName(item, what)
		if name.Text == "" {
			return
		}
		if first, twice := seen[name.Text]; twice {
			r.fault(checkDuplicate.At(name.Pos, item.size(), "%s is listed twice in %s", name.Text, what).
				Second(first, "first given here").WithHelp("keep one of the two"))
			return
		}
		seen[name.Text] = name.Pos
		names = append(names, name)
	})
	return names
}

func (r *reader) networks(v value, what string) []Network {
	var all []Network
	r.items(v, what, func(item value) {
		name, ok := r.scalar(item, what)
		if !ok {
			return
		}
		if addr, err := netip.ParseAddr(name.Text); err == nil && addr.Zone() == "" {
			all = append(all, Network{netip.PrefixFrom(addr, addr.BitLen()), name.Pos})
			return
		}
		prefix, err := netip.ParsePrefix(name.Text)
		if err != nil {
			r.fault(CheckValue.At(item.pos(), item.size(), "%q is neither an IP address nor a network", name.Text).
				WithHelp("write 192.0.2.25, 192.0.2.0/24, 2001:db8::25 or 2001:db8::/64"))
			return
		}
		if prefix != prefix.Masked() {
			r.fault(CheckValue.At(item.pos(), item.size(), "network %s has bits behind its mask", name.Text).
				WithHelp("write %s, or the address without /%d", prefix.Masked(), prefix.Bits()))
		}
		all = append(all, Network{prefix.Masked(), name.Pos})
	})
	return all
}

// path reads the absolute path of a file or folder, as it is written. After a fault the
// result is def.
func (r *reader) path(v value, what string, def Name) Name {
	name, ok := r.scalar(v, what)
	if !ok {
		return def
	}
	text := name.Text
	wrong, help := "", ""
	switch {
	case strings.HasPrefix(text, "~"):
		wrong, help = "begins with ~, which only a shell knows", "write the whole path, such as /home/andrei/mbox"
	case !strings.HasPrefix(text, "/"):
		wrong, help = "is not an absolute path", "begin with a slash"
	case slices.Contains(strings.Split(text, "/"), ".."):
		wrong, help = "has .. in it", "write the path without .."
	case strings.HasPrefix(text, "/dev/"):
		wrong, help = "is a device", "mail is never thrown away silently; name an mbox file, or refuse the addresses"
	case strings.Trim(text, "/") == "":
		wrong, help = "is the root folder", "write a path such as /etc/mail"
	}
	if wrong != "" {
		r.fault(CheckValue.At(v.pos(), v.size(), "%s %q %s", what, text, wrong).WithHelp("%s", help))
		return def
	}
	return name
}

// folder reads the absolute path of a folder, and removes the final slash.
func (r *reader) folder(v value, what string, def Name) Name {
	name := r.path(v, what, def)
	name.Text = strings.TrimRight(name.Text, "/")
	return name
}

// mapType reads how tables are stored. The mail server checks which types it has.
func (r *reader) mapType(v value, h *Host) {
	if name, ok := r.scalar(v, "map"); ok {
		h.Map, h.MapPos = MapType(name.Text), name.Pos
	}
}

func (r *reader) includePatterns(v value) {
	r.items(v, "include", func(item value) {
		if name, ok := r.scalar(item, "include"); ok {
			r.includes = append(r.includes, name)
		}
	})
}

func (r *reader) checkSettings(v value, m *Model) {
	seen := map[string]diag.Pos{}
	r.pairs(v, "checks", func(p pair) {
		if freeKey(p.name) {
			return
		}
		name, ok := r.scalar(p.val, "the severity of "+p.name)
		if !ok {
			return
		}
		if first, twice := seen[p.name]; twice {
			r.fault(checkDuplicate.At(p.key.pos(), p.key.size(), "%s is set twice", p.name).
				Second(first, "first given here").WithHelp("keep one of the two"))
			return
		}
		seen[p.name] = p.key.pos()
		if p.name == "profile" {
			m.Strict = oneOf(r, p.val, "the profile of checks", "default", "strict") == "strict"
			return
		}
		severity, known := diag.ParseSeverity(name.Text)
		if !known {
			r.fault(CheckValue.At(p.val.pos(), p.val.size(), "the severity of %s is %q", p.name, name.Text).
				WithHelp("write error, warning, note or ignore"))
			return
		}
		m.Checks = append(m.Checks, CheckSetting{ID: p.name, Severity: severity, Pos: p.key.pos()})
	})
}
