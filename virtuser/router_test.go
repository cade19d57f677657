package virtuser

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/diag"
	"virtmap/internal/outcome"
)

// routerOver makes a Router over the rows of a text, with d.example and e.example in
// class w, the accounts root and andrei, and the alias list.
func routerOver(t testing.TB, text string) *Router {
	t.Helper()
	var sources diag.Sources
	src, err := sources.Add("virtusertable", text)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	table := Parse(src, &diag.List{})
	for i := range table.Len() {
		key, value := table.Row(i)
		rows[string(key)] = string(value)
	}
	in := func(m map[string]string) Lookup {
		return func(key []byte) ([]byte, bool, error) {
			value, ok := m[string(key)]
			return []byte(value), ok, nil
		}
	}
	r := &Router{
		Host:    "mx1.example.net",
		ClassW:  func(name string) bool { return name == "d.example" || name == "e.example" },
		Relayed: func(name string) bool { return name == "backup.example" },
		Rows:    in(rows),
		Aliases: in(map[string]string{"list": "root, andrei, out@far.example", "loop": "loop2", "loop2": "loop", "self": `\self, root`}),
		Account: func(name string) bool { return name == "root" || name == "andrei" },
	}
	return r.Ready()
}

const routerRows = `fake@d.example	andrei
keep@d.example	andrei%3
far@d.example	ann@far.example
list@d.example	list
old@d.example	error:5.1.1:"550 Ann has left"
@d.example	error:5.1.1:"550 User unknown"
a@e.example	b@e.example
b@e.example	fake@d.example
circle@e.example	circle@e.example
`

func TestRouteGivesTheOutcome(t *testing.T) {
	r := routerOver(t, routerRows)
	for _, c := range []struct{ name, addr, want string }{
		{"a listed address goes to its user", "fake@d.example", "250 andrei"},
		{"case is folded", "FAKE@D.Example", "250 andrei"},
		{"a final dot means nothing", "fake@d.example.", "250 andrei"},
		{"quotes mean nothing", `"fake"@d.example`, "250 andrei"},
		{"a detail is dropped", "fake+x@d.example", "250 andrei"},
		{"a detail is kept by %3", "keep+x@d.example", "250 andrei+x"},
		{"the percent hack leads on", "fake%d.example@e.example", "250 andrei"},
		{"a source route is dropped", "@e.example:fake@d.example", "250 andrei"},
		{"a right side is looked up again", "a@e.example", "250 andrei"},
		{"another server gets it", "far@d.example", "250 ann@far.example"},
		{"an alias is expanded", "list@d.example", "250 andrei, out@far.example, root"},
		{"an error row answers", "old@d.example", "550 5.1.1 Ann has left"},
		{"the catch-all refuses", "nobody@d.example", "550 5.1.1 User unknown"},
		{"without a catch-all an account is open", "root@e.example", "250 root"},
		{"without a catch-all the unknown is unknown", "nobody@e.example", "550 5.1.1 User unknown"},
		{"a percent leads to accounts past the catch-all", "root%localhost@d.example", "250 root"},
		{"so does an address in quotes", `"root@e.example"@d.example`, "250 root"},
		{"so does our own address", "root@[127.0.0.1]", "250 root"},
		{"a foreign domain is not relayed", "fake@far.example", "550 5.7.1 Relaying denied"},
		{"nor one behind a percent", "fake%far.example@d.example", "550 5.7.1 Relaying denied"},
		{"a backup domain is relayed, and those below it", "x@sub.backup.example", "250 x@sub.backup.example"},
		{"a circle ends", "circle@e.example", "554 5.0.0 rewrite: excessive recursion (max 50)"},
		{"no address", "", "553 5.0.0 User address required"},
		{"an open comment", "fake(@d.example", "553 5.0.0 Unbalanced '('"},
	} {
		got := r.Route(c.addr)
		text := "250 " + strings.Join(got.Recipients, ", ")
		if !got.Taken() {
			text = strings.Join([]string{map[int]string{550: "550", 553: "553", 554: "554"}[got.Code], got.Status, got.Text}, " ")
		}
		if text != c.want {
			t.Errorf("%s: %s is %q, want %q", c.name, c.addr, text, c.want)
		}
	}
}

func TestPlainLeavesOutWhatIsSendmails(t *testing.T) {
	r := routerOver(t, routerRows+"denied@d.example	error:5.7.1:550 Relaying denied\n")
	for addr, want := range map[string]outcome.Outcome{
		"list@d.example":     {Taken: true, Code: 250, Status: "2.1.5", Text: "Recipient ok", Recipients: []string{"andrei", "out@far.example", "root"}},
		"far@d.example":      {Taken: true, Code: 250, Status: "2.1.5", Text: "Recipient ok", Recipients: []string{"ann@far.example"}},
		"old@d.example":      {Code: 550, Status: "5.1.1", Text: "Ann has left"},
		"fake@far.example":   {NotOurs: true, Code: 550, Status: "5.7.1", Text: "Relaying denied"},
		"denied@d.example":   {Code: 550, Status: "5.7.1", Text: "Relaying denied"}, // the row gives the same words
		"circle@e.example":   {Code: 554, Status: "5.0.0", Text: "rewrite: excessive recursion (max 50)"},
		"nobody@e.example":   {Code: 550, Status: "5.1.1", Text: "User unknown"},
		"x@b.backup.example": {Taken: true, Code: 250, Status: "2.1.5", Text: "Recipient ok", Recipients: []string{"x@b.backup.example"}},
	} {
		out := r.Route(addr)
		if got := out.Plain(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", addr, got, want)
		}
	}
}

func TestRouteTracesEveryKeyInOrder(t *testing.T) {
	out := routerOver(t, routerRows).Route("who+x@d.example")
	var keys []string
	for _, step := range out.Trace {
		keys = append(keys, step.Key)
	}
	want := []string{"who+x@d.example", "who++@d.example", "who+*@d.example", "who@d.example", "++@d.example", "+*@d.example", "@d.example"}
	if !slices.Equal(keys, want) || !out.Trace[6].Hit {
		t.Errorf("the keys are %q, want %q", keys, want)
	}
}

// TestTheFirstAliasFileWinsInEitherForm: newaliases adds a NUL to the keys of a file
// without a class, but not to those of hash:file.
func TestTheFirstAliasFileWinsInEitherForm(t *testing.T) {
	of := func(key, value string) Lookup {
		return func(asked []byte) ([]byte, bool, error) { return []byte(value), string(asked) == key, nil }
	}
	both := of("staff\x00", "root\x00").Before(of("staff", "andrei"))
	if right, ok := both.Alias("staff"); !ok || right != "root" {
		t.Errorf("staff leads to %q", right)
	}
}

func TestADamagedMapIsNeverAGuess(t *testing.T) {
	r := routerOver(t, "")
	r.Rows = func([]byte) ([]byte, bool, error) { return nil, false, errors.New("page 3 is cut") }
	if out := r.Route("fake@d.example"); out.Code != 451 || out.Status != "4.3.0" {
		t.Errorf("the outcome is %d %s", out.Code, out.Status)
	}
}

// FuzzRoute checks what must be true for any address and row: Route ends, and an
// accepted address has a mailer.
func FuzzRoute(f *testing.F) {
	f.Add("fake@d.example", "andrei")
	f.Add(`"a b"@d.example`, `error:5.1.1:"550 x"`)
	f.Add("@d.example,@e.example:a%b!c@d.example", "%1%3@d.example")
	f.Fuzz(func(t *testing.T, addr, right string) {
		r := routerOver(t, "fake@d.example\t"+right+"\n@e.example\t"+right+"\n")
		out := r.Route(addr)
		if out.Taken() != (out.Mailer == "local" || out.Mailer == "esmtp") {
			t.Errorf("%q over %q is %+v", addr, right, out)
		}
	})
}
