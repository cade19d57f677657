package route

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/mta/postfix/table"
)

// usual are the defaults of Postfix 3.7 with compatibility_level 3.6, and the domains
// of the tests.
var usual = map[string]string{
	"myhostname": "mx1.example.net", "mydomain": "example.net", "myorigin": "mx1.example.net",
	"mydestination":           "mx1.example.net, localhost.example.net, localhost",
	"empty_address_recipient": "MAILER-DAEMON", "double_bounce_sender": "double-bounce", "address_verify_sender": "double-bounce",
	"local_transport": "local:mx1.example.net", "virtual_transport": "virtual", "relay_transport": "relay", "default_transport": "smtp",
	"append_at_myorigin": "yes", "append_dot_mydomain": "no", "swap_bangpath": "yes", "allow_percent_hack": "yes",
	"resolve_dequoted_address": "yes", "owner_request_special": "yes", "show_user_unknown_table_name": "yes",
	"smtpd_delay_reject": "yes", "smtpd_relay_before_recipient_restrictions": "yes", "smtpd_reject_unlisted_recipient": "yes",
	"smtpd_relay_restrictions":         "permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination",
	"parent_domain_matches_subdomains": "debug_peer_list,fast_flush_domains,mynetworks,permit_mx_backup_networks,qmqpd_authorized_clients,relay_domains,smtpd_access_maps",
	"propagate_unmatched_extensions":   "canonical, virtual",
	"canonical_classes":                "envelope_sender, envelope_recipient, header_sender, header_recipient",
	"recipient_canonical_classes":      "envelope_recipient, header_recipient",
	"allow_mail_to_commands":           "alias, forward", "allow_mail_to_files": "alias, forward",
	"inet_interfaces": "127.0.0.1", "inet_protocols": "ipv4", "forward_path": "/home/$user/.forward",
	"local_recipient_maps": "proxy:unix:passwd.byname $alias_maps",
	"virtual_mailbox_base": "", "recipient_delimiter": "",
}

// A testSite is a Site in memory: lines of main.cf, and texts by name. In main.cf,
// DIR/ is the folder of the texts.
type testSite struct {
	main     string
	texts    map[string]string
	accounts []string
	forward  map[string][]string
}

// router makes a Router of the site. Its values are expanded as far as tests need.
func (s testSite) router(t testing.TB) *Router {
	t.Helper()
	dir := t.TempDir()
	for name, text := range s.texts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.ReplaceAll(text, "DIR/", dir+"/")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	params := map[string]string{}
	for name, value := range usual {
		params[name] = value
	}
	for line := range strings.Lines(s.main) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			params[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	account := func(name string) bool { return slices.Contains(s.accounts, name) }
	opener := &table.Opener{Account: account}
	t.Cleanup(func() { opener.Close() })
	param := func(name string) string {
		value := params[name]
		for range 3 {
			for _, other := range []string{"alias_maps", "mydestination", "virtual_alias_maps", "myhostname", "mydomain"} {
				value = strings.ReplaceAll(value, "$"+other, params[other])
			}
		}
		return strings.ReplaceAll(value, "DIR/", dir+"/")
	}
	site := Site{Param: param, Open: opener.Open, Account: account}
	if s.forward != nil {
		site.Forward = func(account string) ([]string, bool) { lines, ok := s.forward[account]; return lines, ok }
	}
	r, err := New(site)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// verdictOf returns an outcome as the tests write it: 250 and the recipients, or the
// reply.
func verdictOf(r *Router, addr string) string {
	out, _ := r.Route(addr)
	if out.Taken {
		return strings.TrimSpace("250 " + strings.Join(out.Recipients, ", "))
	}
	if out.NotOurs {
		return fmt.Sprintf("%d %s not ours", out.Code, out.Status)
	}
	return fmt.Sprintf("%d %s %s", out.Code, out.Status, out.Text)
}

// check compares the outcomes of addresses with lines "address => outcome".
func (s testSite) check(t *testing.T, lines string) {
	t.Helper()
	r := s.router(t)
	checked := 0
	for line := range strings.Lines(lines) {
		addr, want, ok := strings.Cut(strings.TrimSpace(line), " => ")
		if !ok {
			continue
		}
		checked++
		if got := verdictOf(r, addr); got != strings.TrimSpace(want) {
			_, steps := r.Route(addr)
			t.Errorf("<%s>: %s, want %s\nsteps: %+v", addr, got, want, steps)
		}
	}
	if checked == 0 {
		t.Fatal("no address was checked")
	}
}
