package virtuser

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/outcome"
)

// TestRelaysTakeWhatDoesNotStay has results measured with sendmail 8.17.1.
// TestGeneratedConfigurations asks sendmail again.
func TestRelaysTakeWhatDoesNotStay(t *testing.T) {
	stays := func(name string) bool { return name == "root" }
	for _, c := range []struct {
		name, addr string
		relays     Relays
		want       string
	}{
		{"LUSER_RELAY gets an unknown name", "who@e.example", Relays{Unknown: "backup.test"}, "relay backup.test who@backup.test"},
		{"with its detail", "who+x@e.example", Relays{Unknown: "backup.test"}, "relay backup.test who+x@backup.test"},
		{"without a host too", "who", Relays{Unknown: "backup.test"}, "relay backup.test who@backup.test"},
		{"where a row leads to one", "nobody@d.example", Relays{Unknown: "esmtp:[192.0.2.9]"}, "esmtp [192.0.2.9] who@[192.0.2.9]"},
		{"but no account", "root+x@e.example", Relays{Unknown: "backup.test"}, "local  root+x"},
		{"and no alias", "list@e.example", Relays{Unknown: "backup.test"}, "local  andrei root"},
		{"but a dead member", "dead@e.example", Relays{Unknown: "backup.test"}, "local  root who@backup.test"},
		{"one mailbox gets them all", "who@e.example", Relays{Unknown: "esmtp:ann@backup.test"}, "esmtp backup.test ann@backup.test"},
		{"a local user gets them all", "who+x@e.example", Relays{Unknown: "local:andrei"}, "local  andrei"},
		{"an alias gets them all", "who@e.example", Relays{Unknown: "local:list"}, "local  andrei root"},
		{"a relay to nobody is unknown", "who@e.example", Relays{Unknown: "local:nobody"}, "550 5.1.1 User unknown"},
		{"a host of class w counts as none", "who@e.example", Relays{Unknown: "d.example"}, "550 5.1.1 User unknown"},
		{"an error with a status; quotes keep no blanks", "who@e.example", Relays{Unknown: `error:5.1.1:"550 nobody, sorry (ok)"`}, "550 5.1.1 nobody,sorry(ok)"},
		{"an alias that names itself and is no account has nobody there", "self@e.example", Relays{}, "local  root"},
		{"an error with a word", "who@e.example", Relays{Unknown: "error:nouser:550 gone"}, "550 5.0.0 gone"},
		{"an error of text alone is badly formed", "who@e.example", Relays{Unknown: "error:No such user"}, "553 5.3.0 No such user"},

		{"MAIL_HUB gets every local name", "root+x@e.example", Relays{Hub: "hub.test"}, "relay hub.test root+x@hub.test"},
		{"but no alias", "list@e.example", Relays{Hub: "hub.test"}, "local  andrei@hub.test root@hub.test"},
		{"also an alias's own name", "self@e.example", Relays{Hub: "hub.test"}, `local  \self@hub.test root@hub.test`},
		{"but none of class L", "root@e.example", Relays{Hub: "hub.test", Stays: stays}, "local  root"},
		{"with a detail it is not in class L", "root+x@e.example", Relays{Hub: "hub.test", Stays: stays}, "relay hub.test root+x@hub.test"},
		{"the unknown go to LUSER_RELAY first", "who@e.example", Relays{Unknown: "backup.test", Hub: "hub.test"}, "relay backup.test who@backup.test"},
		{"the known go to the hub", "root@e.example", Relays{Unknown: "backup.test", Hub: "hub.test"}, "relay hub.test root@hub.test"},
		{"a hub that is a local user ends there", "who@e.example", Relays{Hub: "local:andrei"}, "local  andrei"},
		{"LOCAL_RELAY is a hub where there is none", "root@e.example", Relays{Unqualified: "relay.test"}, "relay relay.test root@relay.test"},
		{"a hub has precedence", "root@e.example", Relays{Unqualified: "relay.test", Hub: "hub.test"}, "relay hub.test root@hub.test"},

		{"stickyhost: LUSER_RELAY is for names without a host", "who@e.example", Relays{Unknown: "backup.test", Sticky: true}, "550 5.1.1 User unknown"},
		{"and for names with a detail", "who+x@e.example", Relays{Unknown: "backup.test", Sticky: true}, "relay backup.test who+x@backup.test"},
		{"stickyhost: the hub gets the address as it is, past aliases", "list@e.example", Relays{Hub: "hub.test", Sticky: true}, "relay hub.test list@e.example"},
		{"stickyhost: a hub of class w leaves an address to the network", "root@e.example", Relays{Hub: "d.example", Sticky: true}, "esmtp e.example root@e.example"},
		{"stickyhost: an alias's own name stays, its members do not", "root@e.example", Relays{Unqualified: "relay.test", Sticky: true}, "local  andrei@relay.test root"},
		{"stickyhost: a bare name goes on", "who", Relays{Unqualified: "relay.test", Sticky: true}, "relay relay.test who@relay.test"},

		{"SMART_HOST gets what is for others", "far@d.example", Relays{Smart: "smart.test"}, "relay smart.test ann@far.example"},
		{"by another mailer", "x@backup.example", Relays{Smart: "esmtp:[smart.test]"}, "esmtp [smart.test] x@backup.example"},
		{"and nothing that is local", "root@e.example", Relays{Smart: "smart.test"}, "local  root"},
		{"a local user gets it", "x@backup.example", Relays{Smart: "local:andrei"}, "local  andrei"},
		{"it is refused", "x@backup.example", Relays{Smart: "error:5.7.0:550 no way out"}, "550 5.7.0 no way out"},
		{"of an address in brackets it is a mailer and a host", "x@[192.0.2.1]", Relays{Smart: "error:5.7.0:550 no way out"}, "553 5.3.0 x<@[192.0.2.1]>"},
		{"a stranger is still refused", "x@other.example", Relays{Smart: "smart.test"}, "550 5.7.1 Relaying denied"},
	} {
		r := routerOver(t, "nobody@d.example\twho\nfar@d.example\tann@far.example\n")
		aliases := map[string]string{"list": "root, andrei", "dead": "who, root", "self": `\self, root`}
		if strings.HasSuffix(c.name, "its members do not") {
			aliases["root"] = "root, andrei"
		}
		r.Aliases = func(key []byte) ([]byte, bool, error) {
			value, ok := aliases[string(key)]
			return []byte(value), ok, nil
		}
		r.Relays = c.relays
		out := r.Route(c.addr)
		got := strings.Join(slices.Concat([]string{out.Mailer, out.NextHost}, out.Recipients), " ")
		if !out.Taken() {
			got = fmt.Sprintf("%d %s %s", out.Code, out.Status, out.Text)
		}
		if got != c.want {
			t.Errorf("%s: %s is %q, want %q", c.name, c.addr, got, c.want)
		}
	}
}

func TestARelayIsTraced(t *testing.T) {
	r := routerOver(t, "")
	r.Relays.Unknown = "backup.test"
	out := r.Route("who@e.example")
	last := out.Trace[len(out.Trace)-1]
	if want := (outcome.Step{Table: "LUSER_RELAY", Key: "who", Value: "backup.test", Hit: true}); last != want {
		t.Errorf("the last step is %+v", last)
	}
}

// TestBelowAClass: a name in a class stands for all names below it, and .name only for
// the names below it.
func TestBelowAClass(t *testing.T) {
	class := func(name string) bool { return name == "a.example" || name == ".b.example" }
	for name, want := range map[string]bool{"a.example": true, "x.y.a.example": true, "xa.example": false, "b.example": false, "x.b.example": true, "": false} {
		if holds(class, name, true) != want {
			t.Errorf("%q: want %v", name, want)
		}
	}
}
