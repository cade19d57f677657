package servers_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/mta"
	"virtmap/internal/mta/servers"
	"virtmap/internal/outcome"
	"virtmap/inventory"
)

// A want is something that an inventory can ask for, and addresses that show it.
type want struct {
	what    string
	domains string   // the lines below domains, indented
	ask     []string // addresses
}

// wants is what the table of docs/servers.md has, in its order.
var wants = []want{
	{"an address of a user", "a.example: {addresses: {info: andrei}}", []string{"info@a.example", "Info+x@a.example"}},
	{"an address elsewhere", "a.example: {addresses: {ann: Ann@far.example}}", []string{"ann@a.example", "ann+x@a.example"}},
	{"a list", "a.example: {addresses: {team: [andrei, carol, ann@far.example]}}", []string{"team@a.example"}},
	{"a list with an owner", "a.example: {addresses: {team: {to: [andrei, carol], bounces_to: andrei}}}", []string{"team@a.example"}},
	{"a mailbox elsewhere", "a.example: {addresses: {bea: bea}}", []string{"bea@a.example"}},
	{"a Maildir elsewhere", "a.example: {addresses: {dora: dora}}", []string{"dora@a.example"}},
	{"a name of the server's aliases", "a.example: {addresses: {lists: mailman}}", []string{"lists@a.example"}},
	{"a refusal with a text", `a.example: {addresses: {old: {reject: "Ann has left"}}}`, []string{"old@a.example"}},
	{"a refusal with a code", `a.example: {addresses: {old: {reject: {code: 551, status: 5.1.6, text: "now at far.example"}}}}`, []string{"old@a.example"}},
	{"a refusal for now", `a.example: {addresses: {busy: {defer: "being moved"}}}`, []string{"busy@a.example"}},
	{"names that are not listed", "a.example: {addresses: {info: andrei}}", []string{"nobody@a.example"}},
	{"a catch-all", "a.example: {addresses: {info: andrei}, catch_all: carol}", []string{"nobody@a.example", "nobody+x@a.example"}},
	{"names of the server's accounts", "a.example: {catch_all: local}", []string{"andrei@a.example", "unknown@a.example"}},
	{"the same names at another server", "a.example: {catch_all: {domain: far.example}}", []string{"any@a.example"}},
	{"the same names at another domain of the inventory", "a.example: {addresses: {info: andrei}}\n  b.example: {same_as: a.example}", []string{"info@b.example", "nobody@b.example"}},
	{"a detail that is dropped", "a.example: {addresses: {info: {to: ann@far.example, detail: drop}}}", []string{"info+x@a.example"}},
	{"a detail that is kept", "a.example: {addresses: {info: {to: ann@far.example, detail: keep}}}", []string{"info+x@a.example"}},
	{"a detail that is kept for an account", "a.example: {addresses: {info: {to: andrei, detail: keep}}}", []string{"info+x@a.example"}},
	{"a detail that is refused", "a.example: {addresses: {info: {to: andrei, detail: reject}}}", []string{"info+x@a.example"}},
	{"an address for one detail", "a.example: {addresses: {info: andrei, info+news: carol}}", []string{"info+news@a.example", "info+x@a.example"}},
	{"an address for every detail", "a.example: {addresses: {info: andrei, info+*: carol}}", []string{"info+x@a.example", "info+@a.example", "info@a.example"}},
	{"a target made of the detail", `a.example: {addresses: {list++: "%2@far.example"}}`, []string{"list+ann@a.example"}},
	{"a backup domain", "b.example: {role: backup}", []string{"any@b.example"}},
	{"a domain that is not ours", "a.example: {addresses: {info: andrei}}", []string{"any@other.example"}},
}

// built compiles the inventory of a want for a server. If the server cannot do it, refused
// says so.
func built(t *testing.T, s *mta.Server, w want) (b mta.Build, refused string) {
	t.Helper()
	text := "version: 1\nhost: {name: mx1.example.net, server: " + s.Name + "}\n" +
		"users: {andrei: , carol: , bea: {mailbox: /srv/mail/bea, uid: 1002}, dora: {mailbox: /srv/mail/dora/, uid: 1003}}\n" +
		"local_aliases: [mailman]\nchecks: {VM094: ignore, VM080: ignore}\ndomains:\n  " + w.domains + "\n"
	text = onlyUsersOf(text, w.domains)
	m, faults := inventory.Parse("mail.yaml", text)
	if faults.Failed() {
		t.Fatalf("%s: %v\n%s", w.what, faults.Faults(), text)
	}
	build := s.Compile(m, faults)
	for _, f := range faults.Faults() {
		if faults.Failed() && f.Check.Severity.String() == "error" {
			return nil, "not possible (" + f.Check.ID + ")"
		}
	}
	return build, ""
}

// outcomesOf returns what becomes of mail to addresses at a server, or why it cannot be.
func outcomesOf(t *testing.T, s *mta.Server, w want) []string {
	t.Helper()
	build, refused := built(t, s, w)
	if refused != "" {
		return []string{refused}
	}
	set := build.Set()
	defer set.Close()
	var all []string
	for _, addr := range w.ask {
		out, _ := set.Route(addr)
		all = append(all, becomes(out))
	}
	return all
}

// onlyUsersOf takes the users with a mailbox elsewhere out of an inventory that has no
// address of them: not every server can have each.
func onlyUsersOf(text, domains string) string {
	for _, user := range []string{", bea: {mailbox: /srv/mail/bea, uid: 1002}", ", dora: {mailbox: /srv/mail/dora/, uid: 1003}"} {
		if name := strings.Fields(user)[1]; !strings.Contains(domains, name+" "+strings.TrimSuffix(name, ":")) {
			text = strings.Replace(text, user, "", 1)
		}
	}
	return text
}

// becomes returns an outcome as the table has it.
func becomes(o outcome.Outcome) string {
	if o.Taken {
		return strings.Join(o.Recipients, ", ")
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s %s", o.Code, o.Status, o.Text))
}

// outcomesTable returns the table of what the servers do with the same inventory.
func outcomesTable(t *testing.T) string {
	var out strings.Builder
	out.WriteString("| what the inventory says | address |")
	for _, s := range servers.All {
		fmt.Fprintf(&out, " %s |", s.Name)
	}
	out.WriteString("\n| --- | --- |" + strings.Repeat(" --- |", len(servers.All)) + "\n")
	for _, w := range wants {
		var columns [][]string
		for _, s := range servers.All {
			columns = append(columns, outcomesOf(t, s, w))
		}
		what := w.what
		for i, addr := range w.ask {
			var cells []string
			for _, c := range columns {
				cells = append(cells, c[min(i, len(c)-1)])
			}
			same := len(slices.Compact(slices.Clone(cells))) == 1
			for n := range cells {
				if same && n > 0 {
					cells[n] = "the same"
				}
			}
			fmt.Fprintf(&out, "| %s | `%s` | %s |\n", what, addr, strings.Join(cells, " | "))
			what = ""
		}
	}
	return out.String()
}

// TestTableOfOutcomes builds the same inventory for every server, and asks what becomes of
// mail. docs/servers.md has the answers; VIRTMAP_UPDATE=1 writes them.
func TestTableOfOutcomes(t *testing.T) {
	const page, begin, end = "../../../docs/servers.md", "| what the inventory says |", "\n\n"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), begin)
	_, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no table", page)
	}
	next := head + outcomesTable(t) + "\n" + tail
	if next == string(text) {
		return
	}
	if os.Getenv("VIRTMAP_UPDATE") == "" {
		t.Fatalf("%s: VIRTMAP_UPDATE=1 rewrites its table, which should be\n%s", page, outcomesTable(t))
	}
	if err := os.WriteFile(page, []byte(next), 0o644); err != nil {
		t.Fatal(err)
	}
}
