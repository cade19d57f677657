package program_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"virtmap/internal/workshop/peer"
)

// bareZone is the DNS of a domain that gets mail, and of a server without a word about mail
// that is sent.
const bareZone = `$ORIGIN .
$TTL 3600
. SOA ns. hostmaster. 1 7200 3600 86400 300
. NS ns.
mx1.example.net. A 192.0.2.25
mx1.example.net. MX 10 mx1.example.net.
fakemail.example. MX 10 mx1.example.net.
`

// TestSignedAsPublished publishes what virtmap mx --sending asks for, until nothing is left.
// A message of the sendmail command then verifies with these records.
func TestSignedAsPublished(t *testing.T) {
	withBinary(t)
	if !peer.Namespace(t) {
		return
	}
	x := newSigner(t, "")
	overwrite(t, "/etc/mail/mail.yaml", x.mail)
	x.submitCF(submitInclude)
	zone := bareZone
	for round := 0; ; round++ {
		overwrite(t, "/etc/mail/all.zone", zone)
		code, missing := x.missing()
		if len(missing) == 0 && code == 0 {
			if round == 0 {
				t.Fatal("nothing is missing in the bare zone")
			}
			break
		}
		if len(missing) == 0 || round == 3 {
			t.Fatalf("round %d: exit %d, and %q is missing in\n%s", round, code, missing, zone)
		}
		zone += strings.Join(missing, "\n") + "\n"
	}
	t.Log(strings.TrimPrefix(zone, bareZone))

	x.published = func(name string) ([]string, error) { return textsOf(zone, name) }
	for user, want := range map[string]string{"andrei": "fakemail.example verifies", "bea": "fakemail.example verifies", "carol": "mx1.example.net verifies"} {
		if code, out := x.submit(user, "To: x@far.example\nSubject: a message\n\nHello.\n", "-t"); code != 0 {
			t.Fatalf("%s: exit %d, %s", user, code, out)
		}
		m := x.next()
		_, domain, _ := strings.Cut(m.From, "@")
		if got := x.verified(m); got != want || !strings.HasPrefix(want, domain+" ") || !strings.HasSuffix(strings.Trim(fieldOf(m, "From"), ">"), "@"+domain) {
			t.Errorf("%s: %s, want %s; from <%s>\n%s", user, got, want, m.From, m.Body)
		}
	}
}

// missing returns the exit code of virtmap mx --sending, and the records that it asks to
// publish.
func (x *signer) missing() (code int, records []string) {
	x.Helper()
	cmd := exec.Command(os.Getenv(binaryVariable), "mx", "-i", "/etc/mail/mail.yaml", "--sending", "--zone", "/etc/mail/all.zone", "--format", "json")
	out, err := cmd.Output()
	var report struct {
		Server  struct{ Findings []finding }
		Domains []struct{ Findings []finding }
	}
	if bad := json.Unmarshal(out, &report); bad != nil {
		x.Fatalf("%v, %v\n%s", err, bad, out)
	}
	all := report.Server.Findings
	for _, d := range report.Domains {
		all = append(all, d.Findings...)
	}
	for _, f := range all {
		records = append(records, f.Publish...)
	}
	return cmd.ProcessState.ExitCode(), records
}

// A finding is a part of what virtmap mx --sending writes.
type finding struct{ Publish []string }

// textsOf returns the TXT records of a name in a zone.
func textsOf(zone, name string) (texts []string, err error) {
	parser := dns.NewZoneParser(strings.NewReader(zone), "", "")
	for record, ok := parser.Next(); ok; record, ok = parser.Next() {
		if txt, is := record.(*dns.TXT); is && strings.EqualFold(txt.Hdr.Name, dns.Fqdn(name)) {
			texts = append(texts, strings.Join(txt.Txt, ""))
		}
	}
	if parser.Err() != nil {
		return nil, parser.Err()
	}
	if len(texts) == 0 {
		return nil, errors.New("there is no " + name)
	}
	return texts, nil
}
