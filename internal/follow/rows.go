package follow

import (
	"virtmap/internal/effective"
	"virtmap/internal/mailaddr"
	"virtmap/inventory"
)

// A Keeping says what becomes of a detail that a row keeps for its target.
type Keeping uint8

const (
	Added   Keeping = iota // the end of the target gets the detail
	Dropped                // the end is the same for every detail
	Again                  // the detail can lead to another end: the target must be looked up with it
)

// Keeping returns what becomes of a detail that a row keeps, for a target that is an
// address.
func (f *Follower) Keeping(addr string) Keeping {
	local, _, d, whose := f.tables.Locate(addr)
	if whose != effective.Listed {
		return Added
	}
	a, ok := f.tables.Find(d, local, inventory.Plain)
	_, forwards := f.tables.Forward(&a.To)
	switch {
	case !ok || a.To.Kind == inventory.ToPattern || f.tables.HasDetailKeys(d, local):
		return Again
	case a.Disabled || a.To.Kind == inventory.Refused || a.Detail == inventory.DetailDrop:
		return Dropped
	case forwards || a.To.Kind == inventory.ToAddress: // the next address may use the detail
		return Again
	case a.Detail == inventory.DetailKeep:
		return Added
	}
	return Again
}

// Params reports the target of a row with a parameter that is empty for its key. An
// address without a name is the catch-all.
func (f *Follower) Params(a *inventory.Address) {
	p := f.m.Pattern(&a.To)
	if p == nil {
		return
	}
	detail, plus := "", "+" // of an address such as user+, with an empty detail
	switch a.Form {
	case inventory.Plain:
		plus = ""
	case inventory.SomeDetail, inventory.SomeUser:
		detail, plus = "x", "+x"
	case inventory.ExactDetail:
		f.ownDetail(a, p)
		return
	}
	if p.Expand("x", detail, plus)[0] == '@' {
		f.faults.Add(CheckParams.At(a.To.Pos, len(a.To.Text), "%q has nothing before its @ for an address without a detail", a.To.Text).
			WithHelp("%%1 is the user, and always there; a key such as user++ stands for details only"))
	}
}

// ownDetail reports the use of a detail in the target of a key with an exact detail.
func (f *Follower) ownDetail(a *inventory.Address, p inventory.Pattern) {
	name := "%2"
	switch {
	case p.Has(inventory.PartDetail):
	case p.Has(inventory.PartPlusDetail):
		name = "%3"
	default:
		return
	}
	f.faults.Add(CheckParams.At(a.To.Pos, len(a.To.Text), "%s is empty for the key %q: one address has no detail of its own, %%1 is all of it", name, a.Local).
		WithHelp("write the detail out, or the key %s+*", a.User()))
}

// Sample follows a row of a domain whose end depends on the address. It uses addresses
// that match the key, in order to find circles that only appear then, and chains that
// are longer than the server follows. An address without a name is the catch-all. refused
// is the first of these addresses whose mail is refused at its end; empty: there is none.
func (f *Follower) Sample(d int, a *inventory.Address) (refused string) {
	if !f.depends(a) {
		return ""
	}
	domain, size := f.m.Domains[d].Name, len(a.Local)
	if a.Local == "" {
		size = max(1, len(a.To.Written()))
	}
	for _, local := range f.samples(d, a.Local) {
		e := f.follow(local + "@" + domain)
		if e.Loop != nil {
			f.Circle(e.Loop, a.Pos, size)
			return ""
		}
		if again := e.Steps - 1; again > f.limits.LookUps {
			f.faults.Add(CheckTooDeep.At(a.Pos, size, "%s@%s is looked up %d times before it ends, and %s gives up after %d", local, domain, again, f.limits.Server, f.limits.LookUps).
				WithHelp("let it lead to its end in fewer steps"))
			return ""
		}
		if refused == "" && (e.DeadEnd != "" || e.Kind == Refused) {
			refused = local + "@" + domain
		}
	}
	return refused
}

// depends reports whether the target of a row makes other addresses of domains that are
// served now, so that the server looks them up again.
func (f *Follower) depends(a *inventory.Address) bool {
	addr := a.To.Text
	switch a.To.Kind {
	case inventory.ToDomain:
		return !a.Disabled && f.serves(addr)
	case inventory.ToPattern:
		_, domain, _ := mailaddr.Split(addr)
		return !a.Disabled && f.serves(domain)
	case inventory.ToAddress:
	case inventory.ToUser:
		forward, ok := f.tables.Forward(&a.To)
		if !ok {
			return false
		}
		addr = forward
	default:
		return false
	}
	if a.Disabled || a.Detail != inventory.DetailKeep || a.Form == inventory.ExactDetail || f.Keeping(addr) != Again {
		return false
	}
	_, domain, _ := mailaddr.Split(addr)
	e := f.follow(addr)
	return f.serves(domain) && e.Loop == nil && !e.Far && e.DeadEnd == ""
}

// serves reports whether a domain has a table and is not held back.
func (f *Follower) serves(domain string) bool {
	d, served := f.m.Serves(f.m.Meant(domain))
	return served && !f.m.Domains[d].Held
}

// samples returns local parts that match a key of a domain; for a plain key also one
// with a detail. The empty key is the catch-all.
func (f *Follower) samples(d int, key string) []string {
	unlisted := inventory.Unlisted(func(name string) bool {
		_, ok := f.tables.Find(d, name, inventory.Plain)
		return ok
	})
	local := inventory.Samples{User: unlisted, Detail: "detail"}.Of(key)
	if inventory.ParseForm(key) == inventory.Plain {
		return []string{local, local + "+detail"}
	}
	return []string{local}
}
