package page

import (
	"fmt"
	"strings"
	"time"

	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/inventory"
)

// A Header is everything in the data beside the addresses of domains. Places are the
// index of a file and a line; none of both is no place.
type Header struct {
	Host       string              `json:"host"`
	Server     string              `json:"server"`
	Inventory  string              `json:"inventory"`
	Files      []string            `json:"files"`
	LocalNames []string            `json:"localNames"`
	Users      []userRow           `json:"users"`
	Aliases    []string            `json:"aliases"`
	Defaults   domainRow           `json:"defaults"`
	Roles      string              `json:"roles"` // of the defaults, in the form of a domain's addresses
	Domains    []domainRow         `json:"domains"`
	Refusals   []reply             `json:"refusals"`
	NotOurs    int                 `json:"notOurs"` // the index of the refusal for domains that are not ours
	NoAccount  int                 `json:"noAccount"`
	NoDetail   int                 `json:"noDetail"` // for user+detail with detail: reject
	Accounts   map[string][]string `json:"accounts"` // names that only the server has, with their recipients
	Findings   []finding           `json:"findings"`
	MoreFound  int                 `json:"moreFound"` // number of findings that are left out
	MX         []mxRow             `json:"mx"`
	MXAsked    bool                `json:"mxAsked"`
	Rows       int                 `json:"rows"` // number of addresses without copies
	Cut        string              `json:"cut"`
	Only       []string            `json:"only"`                // the domains that the document is about; empty: all
	Authorise  bool                `json:"authorise,omitempty"` // the server checks who sends

	choice   *choice
	files    map[string]int
	refusals map[reply]int
}

// A place is the index of a file and a line.
type place [2]int

type (
	userRow struct {
		Name    string `json:"n"`
		Mailbox string `json:"m,omitempty"`
		Forward string `json:"f,omitempty"`
		Keep    bool   `json:"k,omitempty"`
		Note    string `json:"o,omitempty"`
		At      place  `json:"at"`
		SendsAs string `json:"a,omitempty"` // the sendmail command writes it
		Sender  bool   `json:"s,omitempty"` // only as a sender: where the user's mail goes is left out
	}
	// A domainRow is a domain, or the defaults. Refused and RefusedDetail are the
	// replies to an address that is not listed, without and with a detail; -1: none.
	// Helper says that the document is about other domains, whose mail goes this way.
	// Senders are those of the domain; nil: none are given, or nothing needs them.
	domainRow struct {
		Name          string `json:"n,omitempty"`
		Letters       string `json:"u,omitempty"` // the name with the letters of its A-labels
		At            place  `json:"at"`
		Source        int    `json:"s"`           // the index of the domain in same_as, or -1
		Role          string `json:"r,omitempty"` // backup or closed
		CatchAll      string `json:"c,omitempty"` // empty: as in the source or the defaults
		CatchAllAt    place  `json:"cAt"`
		Detail        string `json:"d,omitempty"` // k, d or r
		Refused       int    `json:"w"`
		RefusedDetail int    `json:"wd"`
		Rows          int    `json:"rows"`
		Note          string `json:"o,omitempty"`
		CatchAllNote  string `json:"cO,omitempty"`
		Helper        bool   `json:"h,omitempty"`

		Sends     bool     `json:"e,omitempty"`
		Selectors []string `json:"k,omitempty"` // of the keys that sign its mail; the first one signs
		Senders   []string `json:"sn,omitzero"`
		sending   bool     // the senders of its addresses are in the data
	}
	reply struct {
		Code   int    `json:"code"`
		Status string `json:"status"`
		Text   string `json:"text"`
	}
	finding struct {
		Severity string `json:"severity"`
		ID       string `json:"id"`
		Name     string `json:"name"`
		Text     string `json:"text"`
		Help     string `json:"help"`
		Place    string `json:"place"`
		Also     string `json:"also,omitempty"`
	}
	mxRow struct {
		Domain  string   `json:"n"`
		Verdict string   `json:"verdict"` // ok, warning, error, unknown
		ID      string   `json:"id"`
		Text    string   `json:"text"`
		Advice  string   `json:"advice,omitempty"`
		Records []string `json:"records,omitempty"`
		Served  bool     `json:"served"`
		Checked string   `json:"checked,omitempty"` // the day of the last answer
	}
)

// maxFindings is the largest number of findings in a document.
const maxFindings = 1000

// header returns the Header of a document.
func (d *Document) header() *Header {
	m := d.Model
	h := &Header{
		Host: m.Host.Name.Text, Server: string(m.Host.Server), Inventory: diag.Printable(m.Name), Only: append([]string{}, d.Only...), choice: d.choose(),
		Files: []string{}, LocalNames: []string{}, Users: []userRow{}, Aliases: []string{}, Domains: []domainRow{}, Findings: []finding{}, MX: []mxRow{},
		Accounts: map[string][]string{}, files: map[string]int{}, refusals: map[reply]int{},
	}
	for _, name := range m.Host.LocalNames {
		h.LocalNames = append(h.LocalNames, name.Text)
	}
	for i := range m.Domains {
		if h.choice.chosen[i] {
			h.Rows += len(m.Domains[i].Addresses)
		}
	}
	for i := range d.Findings {
		h.find(&d.Findings[i])
	}
	d.verdicts(h)
	if n := d.rows(h.choice); n > d.MaxRows {
		h.Cut = fmt.Sprintf("With copies these are %d addresses. A page has at most %d, so this one has none. Choose domains with virtmap page --domain, or ask virtmap lookup and virtmap who.", n, d.MaxRows)
		d.words(h, false)
		return h
	}
	d.names(h)
	d.words(h, true)
	h.Defaults = domainRow{Source: -1, CatchAll: d.target(h, &m.Defaults.CatchAll), CatchAllAt: d.place(h, m.Defaults.CatchAll.Pos), CatchAllNote: d.note(m.Defaults.CatchAll.Pos), Detail: detailFlag(m.Defaults.Detail), sending: len(h.choice.sending) > 0}
	h.Roles = string(d.appendRows(nil, m.Defaults.Roles, everyAddress, &h.Defaults, "", h))
	return h
}

// names adds the users and the local aliases.
func (d *Document) names(h *Header) {
	m := d.Model
	for i := range m.Users {
		u := &m.Users[i]
		switch name := u.Name.Text; {
		case h.choice.whole || h.choice.users[uint32(i)]:
			h.Users = append(h.Users, userRow{Name: name, Mailbox: u.Mailbox.Text, Forward: d.target(h, &u.Forward), Keep: u.KeepCopy,
				Note: d.note(u.Name.Pos), At: d.place(h, u.Name.Pos), SendsAs: d.sendsAs(h, u)})
		case h.choice.senders[name]:
			h.Users = append(h.Users, userRow{Name: name, At: d.place(h, u.Name.Pos), SendsAs: d.sendsAs(h, u), Sender: true})
		}
	}
	for i, name := range m.LocalAliases {
		if h.choice.whole || h.choice.aliases[uint32(i)] {
			h.Aliases = append(h.Aliases, name.Text)
		}
	}
}

// rows returns the number of addresses of the domains in the data, with copies and roles.
func (d *Document) rows(c *choice) (n int) {
	m := d.Model
	sizes := make([]int, len(m.Domains))
	var size func(i int) int
	size = func(i int) int {
		if sizes[i] == 0 {
			domain := &m.Domains[i]
			sizes[i] = 1 + len(domain.Addresses) + len(domain.Roles) // the catch-all counts too
			if domain.Source >= 0 {
				sizes[i] += size(domain.Source)
			}
		}
		return sizes[i]
	}
	for i := range m.Domains {
		if p := c.parts[i]; p != nil && p.all {
			n += size(i)
		}
	}
	return n
}

// place returns a place in the form of the data.
func (d *Document) place(h *Header, pos diag.Pos) place {
	at, ok := d.Model.Sources.Place(pos)
	if !ok {
		return place{}
	}
	i, known := h.files[at.File]
	if !known {
		i = len(h.Files)
		h.files[at.File] = i
		h.Files = append(h.Files, at.Name())
	}
	return place{i, at.Line}
}

// refusal returns the index of a reply.
func (h *Header) refusal(r reply) int {
	i, known := h.refusals[r]
	if !known {
		i = len(h.Refusals)
		h.refusals[r] = i
		h.Refusals = append(h.Refusals, r)
	}
	return i
}

func (h *Header) find(f *diag.Located) {
	if len(h.Findings) >= maxFindings {
		h.MoreFound++
		return
	}
	where := func(p diag.Place) string {
		if p.File == "" {
			return ""
		}
		return p.String()
	}
	h.Findings = append(h.Findings, finding{
		f.Severity.String(), f.Check.ID, f.Check.Name, diag.Printable(f.Text), diag.Printable(f.Help), where(f.At), where(f.AlsoAt),
	})
}

// verdicts adds the verdicts of the last build on the domains of the inventory.
func (d *Document) verdicts(h *Header) {
	if d.Verdicts == nil {
		return
	}
	h.MXAsked = true
	for i := range d.Model.Domains {
		r := d.Verdicts.Domains[d.Model.Domains[i].Name]
		if r == nil || !d.Model.Domains[i].Enabled || !h.choice.chosen[i] {
			continue
		}
		row := mxRow{d.Model.Domains[i].Name, r.Verdict, r.ID, diag.Printable(r.Text), diag.Printable(r.Advice), nil, r.Served, ""}
		for _, record := range r.Records {
			row.Records = append(row.Records, diag.Printable(record))
		}
		if !r.Checked.IsZero() {
			row.Checked = r.Checked.UTC().Format(time.DateOnly)
		}
		if r.Silent != nil {
			row.Verdict, row.ID, row.Text, row.Advice = "unknown", r.Silent.ID, diag.Printable(r.Silent.Text), ""
		}
		if row.Verdict != "" {
			h.MX = append(h.MX, row)
		}
	}
}

// summary returns the numbers of an inventory in words.
func (d *Document) summary(h *Header) []string {
	served, backup, closed := 0, 0, 0
	for i := range h.Domains {
		switch {
		case h.Domains[i].Helper:
		case h.Domains[i].Role == "backup":
			backup++
		case h.Domains[i].Role == "closed":
			closed++
		default:
			served++
		}
	}
	addresses := fmt.Sprintf("%d addresses", h.Rows)
	if h.Rows == 1 {
		addresses = "1 address"
	}
	users := len(d.Model.Users)
	if d.Only != nil {
		users = len(h.Users)
	}
	all := []string{diag.Count(served, "domain"), addresses, diag.Count(users, "user")}
	if n := len(d.Only); n > 0 && n <= 3 {
		all = append([]string{"only " + strings.Join(d.Only, ", ")}, all...)
	}
	if backup > 0 {
		all = append(all, diag.Count(backup, "backup domain"))
	}
	if closed > 0 {
		all = append(all, diag.Count(closed, "domain")+" not enabled")
	}
	return all
}

// letters returns a domain with its letters, if it has others than its name.
func letters(name string) string {
	if shown := mailaddr.Unicode(name); shown != name {
		return diag.Printable(shown)
	}
	return ""
}

func detailFlag(d inventory.Detail) string {
	return map[inventory.Detail]string{inventory.DetailKeep: "k", inventory.DetailDrop: "d", inventory.DetailReject: "r"}[d]
}
