package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/senders"
)

// A senderFinder finds who may send from an address.
type senderFinder struct {
	set   mta.SendingRows // nil: the server has no table of senders that is read here
	users []string        // who may be asked about, sorted
	may   func(user, from string) bool
	whose string // why nothing is enforced; empty: it is
}

// lookupSenders prints who may send from addresses.
func lookupSenders(a lookupArgs, addresses []string, stdio Stdio) error {
	for _, addr := range addresses {
		if _, domain, ok := mailaddr.Split(addr); !ok || domain == "" || strings.ContainsAny(addr, "<> ") {
			return usage(fmt.Errorf("--from takes addresses such as fake@fakemail.example, and %q is none", addr))
		}
	}
	f, done, err := a.openSenders(stdio)
	if err != nil {
		return err
	}
	print := f.explain
	if a.format == "json" {
		print = f.asJSON
	}
	if len(addresses) > 0 {
		err = printAll(stdio.Out, addresses, print)
	} else {
		err = eachBatch(stdio.In, func(batch []string) error { return printAll(stdio.Out, batch, print) })
	}
	if err = errors.Join(err, done()); err != nil {
		return exit(exitIO, err)
	}
	return nil
}

// openSenders opens the inventory or the installed files. done closes them.
func (a lookupArgs) openSenders(stdio Stdio) (f *senderFinder, done func() error, err error) {
	if a.installed.maps != "" {
		set, of, err := a.installed.open(stdio)
		if err != nil {
			return nil, nil, err
		}
		f, err = installedSenders(set, of)
		return f, set.Close, err
	}
	source, err := faultless(a.inventory, stdio)
	if err != nil {
		return nil, nil, err
	}
	f = &senderFinder{}
	m := source.Inventory()
	for i := range m.Users {
		f.users = append(f.users, m.Users[i].Name.Text)
	}
	if f.set, _ = source.Set().(mta.SendingRows); !m.Submission.Authorise {
		f.set, f.whose = nil, "the server does not check it: the inventory has no submission: {authorise: yes}"
	}
	rights, one := senders.Of(m), sync.Mutex{}
	f.may = func(user, from string) bool {
		one.Lock()
		defer one.Unlock()
		return rights.May(user, from)
	}
	return f, func() error { return nil }, nil
}

// installedSenders finds senders in installed files.
func installedSenders(set mta.Set, of mailServer) (*senderFinder, error) {
	rows, ok := set.(mta.SendingRows)
	if !ok || !rows.Authorises() {
		return nil, exit(exitProblems, fmt.Errorf("%s in %q has no table of senders: a user who logs in may send from every address", of.kind.Name, of.dir))
	}
	rights, err := rows.Rights()
	if err != nil {
		return nil, exit(exitIO, err)
	}
	f := &senderFinder{set: rows}
	for _, l := range rights {
		f.users = append(f.users, l.User)
	}
	slices.Sort(f.users)
	f.users = slices.Compact(f.users)
	f.may = func(user, from string) bool {
		o, _ := rows.Sends(user, from)
		return o.Taken
	}
	return f, nil
}

// who returns the users who may send from an address.
func (f *senderFinder) who(from string) (all []string) {
	for _, user := range f.users {
		if f.may(user, from) {
			all = append(all, user)
		}
	}
	return all
}

// explain prints who may send from an address, and the keys that say so.
func (f *senderFinder) explain(out io.Writer, asked string) error {
	q := questionOf(asked)
	from := strings.ToLower(q.addr)
	users := f.who(from)
	text := strings.Join(users, ", ")
	if len(users) == 0 {
		text = "nobody may send from it"
	}
	_, err := fmt.Fprintf(out, "%s: %s\n", diag.Printable(asked), diag.Printable(text))
	line := func(format string, args ...any) {
		_, problem := fmt.Fprintf(out, "  "+format+"\n", args...)
		err = errors.Join(err, problem)
	}
	if f.whose != "" {
		line("%s", f.whose)
	}
	for _, user := range users {
		if f.set == nil {
			break
		}
		_, trace := f.set.Sends(user, from)
		for _, step := range trace {
			line("%-13s  %s", step.Table, diag.Printable(stepText(step)))
		}
	}
	return err
}

// The JSON of lookup --from.
type sendersJSON struct {
	Address string   `json:"address"`
	Senders []string `json:"senders"`
	Checked bool     `json:"checked"` // the server lets nobody else send
}

func (f *senderFinder) asJSON(out io.Writer, asked string) error {
	users := f.who(strings.ToLower(questionOf(asked).addr))
	return json.NewEncoder(out).Encode(sendersJSON{asked, append([]string{}, users...), f.whose == ""})
}
