package maincf

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/workshop/peer"
)

// blockLines are lines of a build, from a seed.
func blockLines(r *rand.Rand) []Line {
	all := []Line{domains, rows, delimiter, access, aliases,
		{"virtual_mailbox_domains", "mailbox.virtmap.invalid"}, {"virtual_mailbox_maps", "cdb:/etc/postfix/virtmap-mailboxes"},
		{"virtual_mailbox_base", "/"}, {"virtual_uid_maps", "cdb:/etc/postfix/virtmap-uids"}, {"relay_domains", "cdb:/etc/postfix/virtmap-relay"},
		{"transport_maps", "cdb:/etc/postfix/virtmap-transport"}, {"mydestination", "d.example, e.example"},
		{"parent_domain_matches_subdomains", "mynetworks"}, {"propagate_unmatched_extensions", "canonical"}, {"swap_bangpath", "no"}}
	return slices.DeleteFunc(all, func(Line) bool { return r.IntN(3) == 0 })
}

// siteText returns a main.cf of a site, without a fault and without unused names.
func siteText(r *rand.Rand) string {
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	values := map[string][]string{
		"compatibility_level": {"0", "1", "2", "3.6"}, "myhostname": {"mx1.example.net", "host"}, "mydomain": {"example.net"},
		"alias_maps":          {"hash:/etc/aliases", "$alias_database", "hash:/etc/aliases,@ hash:/etc/mailman", "", "cdb:/etc/postfix/virtmap-aliases"},
		"alias_database":      {"hash:/etc/aliases", "cdb:/etc/mail/aliases"},
		"mydestination":       {"$myhostname, localhost", "d.example,@localhost", "", "$mydomain", "localhost $virtual_alias_maps"},
		"relay_domains":       {"", "$mydestination", "r.example,@hash:/etc/postfix/relay", "cdb:/etc/postfix/virtmap-relay"},
		"transport_maps":      {"hash:/t", "inline:{a=b, c=d}", "cdb:/etc/postfix/virtmap-transport, hash:/t", "$virtual_mailbox_maps"},
		"recipient_delimiter": {"+", "+", "+", "-"}, "virtual_mailbox_base": {"/", "/", "/var/vmail"}, "swap_bangpath": {"no", "No", "no", "yes"},
		"virtual_alias_domains":            {"hash:/d", "x.example y.example", "$virtual_alias_maps", "$virtual_alias_maps,@$relay_domains"},
		"virtual_alias_maps":               {"hash:/v", "hash:/v,@regexp:/r", "cdb:/etc/postfix/virtmap-virtual"},
		"virtual_mailbox_domains":          {"v.example", "$virtual_mailbox_maps"},
		"virtual_mailbox_maps":             {"hash:/m", "hash:/m $alias_database"},
		"smtpd_recipient_restrictions":     {"", "permit_mynetworks,@reject_unauth_destination", "reject_rbl_client x.example,@check_policy_service unix:p, reject", "permit", "permit_mynetworks"},
		"smtpd_relay_restrictions":         {"", "permit_mynetworks, defer_unauth_destination", "permit_mynetworks"},
		"propagate_unmatched_extensions":   {"canonical, virtual", "canonical,@alias", ""},
		"parent_domain_matches_subdomains": {"relay_domains, mynetworks", "smtpd_access_maps,@debug_peer_list", ""},
		"mail_name":                        {"Mail"}, "local_recipient_maps": {"proxy:unix:passwd.byname $alias_maps", "$virtual_alias_maps"}, "relayhost": {"[out.example]"},
	}
	var out strings.Builder
	end := pick("\n", "\n", "\n", "\r\n")
	for _, name := range shuffled(r, values) {
		if r.IntN(2) == 0 {
			continue
		}
		if r.IntN(4) == 0 {
			out.WriteString(pick("# comment", "", "  # apart") + end)
		}
		value := strings.ReplaceAll(pick(values[name]...), "@", end+pick("  ", "# inside"+end+"\t"))
		out.WriteString(name + pick(" = ", "=") + value + end)
	}
	if r.IntN(4) == 0 {
		return strings.TrimSuffix(out.String(), end)
	}
	return out.String()
}

// shuffled returns the names of a map in an order that depends only on the seed.
func shuffled(r *rand.Rand, of map[string][]string) []string {
	var names []string
	for name := range of {
		names = append(names, name)
	}
	slices.Sort(names)
	r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return names
}

func TestEditedFilesAreReadByPostconf(t *testing.T) {
	p := newPostconf(t)
	p.write(t, MasterName, "")
	refused := 0
	for seed := range peer.Campaign(200) {
		r := rand.New(rand.NewPCG(uint64(seed), 5))
		lines, text := blockLines(r), siteText(r)
		got, faults := edited(t, text, lines...)
		if faults != "" {
			refused++
			if got != text || !strings.Contains(faults, "VM141") && !strings.Contains(faults, "VM142") {
				t.Fatalf("seed %d: %s\n%s", seed, faults, text)
			}
			continue
		}
		before := tell(t, p, text)
		after := tell(t, p, got)
		if before.errOut == "" && after.errOut != "" {
			t.Errorf("seed %d: postconf warns: %s", seed, after.errOut)
		}
		for _, fault := range differences(before, after, lines) {
			t.Errorf("seed %d: %s", seed, fault)
		}
		if again, _ := edited(t, got, lines...); again != got {
			t.Errorf("seed %d: the second time there is\n%s", seed, again)
		}
		if none, _ := edited(t, got); strings.TrimRight(none, "\r\n") != strings.TrimRight(text, "\r\n") {
			t.Errorf("seed %d: without lines there is\n%s", seed, none)
		}
		if t.Failed() {
			t.Fatalf("from\n%s\nto\n%s", text, got)
		}
	}
	t.Logf("%d refused", refused)
	if refused == 0 || refused > peer.Campaign(200)/2 {
		t.Errorf("%d are refused", refused)
	}
}

// A told is what postconf says of a main.cf.
type told struct {
	values map[string]string // expanded
	set    map[string]string
	errOut string
}

func tell(t *testing.T, p postconf, text string) told {
	t.Helper()
	p.write(t, MainName, text)
	out, errOut, err := p.ask("-n")
	if err != nil {
		t.Fatalf("postconf -n: %v\n%s\n%s", err, errOut, text)
	}
	all := told{values: map[string]string{}, set: map[string]string{}, errOut: errOut}
	for line := range strings.Lines(out) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " =")
		all.set[name] = strings.TrimSpace(value)
	}
	names := tableNames()
	j := judge{t: t, p: p}
	for i, value := range j.read(append([]string{"-hx"}, names...)...) {
		all.values[names[i]] = value
	}
	return all
}

// differences says what is not as it should be behind an edit.
func differences(before, after told, lines []Line) (faults []string) {
	ours := map[string]bool{}
	for _, l := range lines {
		ours[l.Name] = true
		siteFirst, isList := lists[l.Name]
		old, now, own := SplitList(before.values[l.Name]), SplitList(after.values[l.Name]), SplitList(l.Value)
		if !isList {
			if after.values[l.Name] != l.Value {
				faults = append(faults, fmt.Sprintf("%s is %q", l.Name, now))
			}
			continue
		}
		gone := append([]string{"nis:mail.aliases"}, takenOut[l.Name]...)
		added := slices.Concat(own, old, []string{guards[0]}, SplitList(after.values["mydestination"]))
		for _, element := range slices.Concat(own, old) {
			if !slices.Contains(now, element) && !slices.Contains(gone, element) {
				faults = append(faults, fmt.Sprintf("%s has %q and lacks %q", l.Name, now, element))
			}
		}
		for _, element := range now {
			if !slices.Contains(added, element) {
				faults = append(faults, fmt.Sprintf("%s has %q too", l.Name, element))
			}
		}
		if first := slices.Equal(now[:min(len(own), len(now))], own); first == siteFirst && len(now) > len(own) && !slices.Equal(own, old) {
			faults = append(faults, fmt.Sprintf("%s has the order %q", l.Name, now))
		}
		both := slices.Concat(SplitList(after.values[recipientRestrictions]), SplitList(after.values["smtpd_relay_restrictions"]))
		if l.Name == recipientRestrictions && !slices.ContainsFunc(both, func(word string) bool { return slices.Contains(guards, word) }) {
			faults = append(faults, "no guard is left")
		}
	}
	for name, value := range before.set {
		if !ours[name] && after.set[name] != value {
			faults = append(faults, fmt.Sprintf("%s became %q", name, after.set[name]))
		}
	}
	for name := range after.set {
		if _, was := before.set[name]; !was && !ours[name] {
			faults = append(faults, name+" is new")
		}
	}
	return faults
}

func TestABlockThatPostconfHasEditedIsMended(t *testing.T) {
	p := newPostconf(t)
	p.write(t, MasterName, "")
	lines := []Line{domains, rows, delimiter}
	text, _ := edited(t, "myorigin = d.example\nvirtual_alias_maps = hash:/v\n", lines...)
	p.write(t, MainName, text)
	if _, errOut, err := p.ask("-e", "recipient_delimiter=-", "mail_name=Mail", "virtual_alias_domains=x.example"); err != nil {
		t.Fatalf("%v\n%s", err, errOut)
	}
	changed, err := os.ReadFile(filepath.Join(p.dir, MainName))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(changed), "recipient_delimiter = -") {
		t.Fatalf("postconf -e wrote\n%s", changed)
	}
	got, faults := edited(t, string(changed), lines...)
	want, _ := edited(t, "myorigin = d.example\nvirtual_alias_maps = hash:/v\nmail_name = Mail\n", lines...)
	if got != want || faults != "" {
		t.Errorf("got\n%s\nwant\n%s\n%s", got, want, faults)
	}
}
