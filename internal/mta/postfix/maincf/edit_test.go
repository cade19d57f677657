package maincf

import (
	"strings"
	"testing"

	"virtmap/internal/diag"
)

// edited returns the text after Edit, and the faults as they are printed.
func edited(t testing.TB, text string, lines ...Line) (string, string) {
	t.Helper()
	var sources diag.Sources
	src, err := sources.Add("main.cf", text)
	if err != nil {
		t.Fatal(err)
	}
	var faults diag.List
	result := Edit(src, lines, &faults)
	var out strings.Builder
	if err := (diag.Printer{Sources: &sources}).Print(&out, &faults); err != nil {
		t.Fatal(err)
	}
	return result, out.String()
}

var (
	domains   = Line{"virtual_alias_domains", "cdb:/etc/postfix/virtmap-domains"}
	rows      = Line{"virtual_alias_maps", "cdb:/etc/postfix/virtmap-virtual, regexp:/etc/postfix/virtmap-detail"}
	delimiter = Line{"recipient_delimiter", "+"}
	access    = Line{recipientRestrictions, "check_recipient_access cdb:/etc/postfix/virtmap-access"}
	logins    = Line{senderRestrictions, "reject_authenticated_sender_login_mismatch"}
	aliases   = Line{"alias_maps", "cdb:/etc/postfix/virtmap-aliases"}
)

// blockOf returns a block with lines.
func blockOf(lines ...string) string {
	return blockBegin + "\n" + strings.Join(lines, "\n") + "\n" + blockEnd + "\n"
}

const (
	plus = "recipient_delimiter = +"
	site = "compatibility_level = 3.6\nmyorigin = d.example\n"
)

func TestEditPlacesTheBlock(t *testing.T) {
	tests := []struct{ it, text, want string }{
		{"writes a file that is empty", "", blockOf(plus)},
		{"stands at the end", site, site + blockOf(plus)},
		{"ends the last line first", "myorigin = a", "myorigin = a\n" + blockOf(plus)},
		{"finds nothing to do the second time", site + blockOf(plus), site + blockOf(plus)},
		{"stands behind an indented line", "mydestination = a\n  b\n", "mydestination = a\n  b\n" + blockOf(plus)},
		{"writes lines as the file has them", "myorigin = a\r\n", "myorigin = a\r\n" + strings.ReplaceAll(blockOf(plus), "\n", "\r\n")},
		{"replaces what was edited in the block", site + blockOf("recipient_delimiter = -", "x = y", "  z"), site + blockOf(plus)},
		{"stays before comments", site + blockOf("old = x") + "\n# end\n  # set apart\n", site + blockOf(plus) + "\n# end\n  # set apart\n"},
		{"moves behind other lines", "a = b\n" + blockOf("old = x") + "myorigin = c\n", "a = b\nmyorigin = c\n" + blockOf(plus)},
		{"stays before lines that are out of force", blockOf(plus) + "recipient_delimiter = +\n", blockOf(plus) + "#virtmap# recipient_delimiter = +\n"},
	}
	for _, tt := range tests {
		got, faults := edited(t, tt.text, delimiter)
		if got != tt.want || faults != "" {
			t.Errorf("it %s: got\n%s\nwant\n%s\n%s", tt.it, got, tt.want, faults)
		}
		if again, _ := edited(t, got, delimiter); again != got {
			t.Errorf("it %s: the second time it gives\n%s", tt.it, again)
		}
	}
}

func TestEditMergesTheSitesValues(t *testing.T) {
	const level = "compatibility_level = 3.6\n"
	tests := []struct {
		it, text string
		line     Line
		want     string
	}{
		{"keeps one of two equal values", "recipient_delimiter=+\n", delimiter,
			"#virtmap# recipient_delimiter=+\n" + blockOf(plus)},
		{"takes a value that is equal through a reference", "sign = +\nrecipient_delimiter = $sign\n", delimiter,
			"sign = +\n#virtmap# recipient_delimiter = $sign\n" + blockOf(plus)},
		{"takes every line of a value out of force", "alias_maps = hash:/etc/aliases,\n# mailman\n  hash:/etc/mailman\nmyorigin = x\n", aliases,
			"#virtmap# alias_maps = hash:/etc/aliases,\n# mailman\n#virtmap#   hash:/etc/mailman\nmyorigin = x\n" +
				blockOf("alias_maps = hash:/etc/aliases, hash:/etc/mailman, cdb:/etc/postfix/virtmap-aliases")},
		{"takes every entry of a name out of force, and merges the last", "alias_maps = hash:/a\nalias_maps = hash:/b\n", aliases,
			"#virtmap# alias_maps = hash:/a\n#virtmap# alias_maps = hash:/b\n" + blockOf("alias_maps = hash:/b, cdb:/etc/postfix/virtmap-aliases")},
		{"takes a value that has been changed since", "#virtmap# alias_maps = hash:/a\nalias_maps = hash:/b\n", aliases,
			"# alias_maps = hash:/a\n#virtmap# alias_maps = hash:/b\n" + blockOf("alias_maps = hash:/b, cdb:/etc/postfix/virtmap-aliases")},
		{"takes the line in force before one out of force", "alias_maps = hash:/b\n#virtmap# alias_maps = hash:/a\n", aliases,
			"#virtmap# alias_maps = hash:/b\n# alias_maps = hash:/a\n" + blockOf("alias_maps = hash:/b, cdb:/etc/postfix/virtmap-aliases")},
		{"keeps the built-in alias file", "", aliases, blockOf("alias_maps = $alias_database, cdb:/etc/postfix/virtmap-aliases")},
		{"adds no built-in alias file to those of the site", "alias_maps = hash:/etc/mail/aliases\n", Line{"alias_maps", "$alias_database, cdb:/etc/postfix/virtmap-aliases"},
			"#virtmap# alias_maps = hash:/etc/mail/aliases\n" + blockOf("alias_maps = hash:/etc/mail/aliases, cdb:/etc/postfix/virtmap-aliases")},
		{"adds no alias file to a site without one", "alias_maps =\n", Line{"alias_maps", "$alias_database, cdb:/etc/postfix/virtmap-aliases"},
			"#virtmap# alias_maps =\n" + blockOf("alias_maps = cdb:/etc/postfix/virtmap-aliases")},
		{"keeps the built-in names of the machine", "", Line{"mydestination", "d.example"},
			blockOf("mydestination = $myhostname, localhost.$mydomain, localhost, d.example")},
		{"puts our rows before those of the site", "virtual_alias_maps = hash:/etc/postfix/virtual\n", rows,
			"#virtmap# virtual_alias_maps = hash:/etc/postfix/virtual\n" +
				blockOf("virtual_alias_maps = cdb:/etc/postfix/virtmap-virtual, regexp:/etc/postfix/virtmap-detail, hash:/etc/postfix/virtual")},
		{"names nothing twice", "transport_maps = hash:/t, cdb:/etc/postfix/virtmap-transport\n", Line{"transport_maps", "cdb:/etc/postfix/virtmap-transport"},
			"#virtmap# transport_maps = hash:/t, cdb:/etc/postfix/virtmap-transport\n" + blockOf("transport_maps = cdb:/etc/postfix/virtmap-transport, hash:/t")},
		{"names nothing twice through a reference", "maps = cdb:/t\ntransport_maps = $maps\n", Line{"transport_maps", "cdb:/t"},
			"maps = cdb:/t\n#virtmap# transport_maps = $maps\n" + blockOf("transport_maps = cdb:/t")},
		{"keeps braces together", "transport_maps = inline:{a=b, c=d}\n", Line{"transport_maps", "cdb:/t"},
			"#virtmap# transport_maps = inline:{a=b, c=d}\n" + blockOf("transport_maps = cdb:/t, inline:{a=b, c=d}")},
		{"takes an extension out of the site's list", "propagate_unmatched_extensions = canonical, virtual, alias\n", Line{"propagate_unmatched_extensions", "canonical"},
			"#virtmap# propagate_unmatched_extensions = canonical, virtual, alias\n" + blockOf("propagate_unmatched_extensions = canonical, alias")},
		{"takes a list out of the built-in ones", "", Line{"parent_domain_matches_subdomains", "mynetworks"},
			blockOf("parent_domain_matches_subdomains = mynetworks, debug_peer_list, fast_flush_domains, permit_mx_backup_networks, qmqpd_authorized_clients")},
		{"keeps what is relayed at an old level", "compatibility_level = 1\n", Line{"relay_domains", "cdb:/r"},
			"compatibility_level = 1\n" + blockOf("relay_domains = cdb:/r, $mydestination")},
		{"adds no relayed names at a new level", level, Line{"relay_domains", "cdb:/r"}, level + blockOf("relay_domains = cdb:/r")},
		{"puts our access map before the site's restrictions", "smtpd_recipient_restrictions = permit_mynetworks,\n    reject_rbl_client x.example, reject_unauth_destination\n", access,
			"#virtmap# smtpd_recipient_restrictions = permit_mynetworks,\n#virtmap#     reject_rbl_client x.example, reject_unauth_destination\n" +
				blockOf("smtpd_recipient_restrictions = check_recipient_access cdb:/etc/postfix/virtmap-access, permit_mynetworks, reject_rbl_client x.example, reject_unauth_destination")},
		{"needs no guard beside that of smtpd_relay_restrictions", level, access, level + blockOf("smtpd_recipient_restrictions = check_recipient_access cdb:/etc/postfix/virtmap-access")},
		{"adds a guard where smtpd_relay_restrictions has none", level + "smtpd_relay_restrictions =\n", access,
			level + "smtpd_relay_restrictions =\n" + blockOf("smtpd_recipient_restrictions = check_recipient_access cdb:/etc/postfix/virtmap-access, reject_unauth_destination")},
		{"adds a guard at a level without smtpd_relay_restrictions", "", access,
			blockOf("smtpd_recipient_restrictions = check_recipient_access cdb:/etc/postfix/virtmap-access, reject_unauth_destination")},
		{"does not take a warning for a guard", "smtpd_recipient_restrictions = warn_if_reject reject_unauth_destination\n", access,
			"#virtmap# smtpd_recipient_restrictions = warn_if_reject reject_unauth_destination\n" +
				blockOf("smtpd_recipient_restrictions = check_recipient_access cdb:/etc/postfix/virtmap-access, warn_if_reject reject_unauth_destination, reject_unauth_destination")},
		{"finds the guard in a class", "smtpd_restriction_classes = ours\nours = permit_mynetworks, reject\nsmtpd_recipient_restrictions = ours\n", access,
			"smtpd_restriction_classes = ours\nours = permit_mynetworks, reject\n#virtmap# smtpd_recipient_restrictions = ours\n" +
				blockOf("smtpd_recipient_restrictions = check_recipient_access cdb:/etc/postfix/virtmap-access, ours")},
		{"puts our restriction about logins before the site's", "smtpd_sender_restrictions = permit_mynetworks, check_sender_access hash:/x,\n  permit\n", logins,
			"#virtmap# smtpd_sender_restrictions = permit_mynetworks, check_sender_access hash:/x,\n#virtmap#   permit\n" +
				blockOf("smtpd_sender_restrictions = reject_authenticated_sender_login_mismatch, permit_mynetworks, check_sender_access hash:/x, permit")},
		{"does not take a warning for our restriction", "smtpd_sender_restrictions = warn_if_reject reject_authenticated_sender_login_mismatch\n", logins,
			"#virtmap# smtpd_sender_restrictions = warn_if_reject reject_authenticated_sender_login_mismatch\n" +
				blockOf("smtpd_sender_restrictions = reject_authenticated_sender_login_mismatch, warn_if_reject reject_authenticated_sender_login_mismatch")},
		{"asks our owners before those of the site", "smtpd_sender_login_maps = $virtual_alias_maps\nvirtual_alias_maps = hash:/v\n", Line{"smtpd_sender_login_maps", "cdb:/s"},
			"#virtmap# smtpd_sender_login_maps = $virtual_alias_maps\nvirtual_alias_maps = hash:/v\n" + blockOf("smtpd_sender_login_maps = cdb:/s, $virtual_alias_maps")},
		{"asks our senders before those of the site", "sender_canonical_maps = hash:/c\n", Line{"sender_canonical_maps", "cdb:/s"},
			"#virtmap# sender_canonical_maps = hash:/c\n" + blockOf("sender_canonical_maps = cdb:/s, hash:/c")},
		{"lets permit stand behind a guard of smtpd_relay_restrictions", level + "smtpd_recipient_restrictions = permit\n", access,
			level + "#virtmap# smtpd_recipient_restrictions = permit\n" + blockOf("smtpd_recipient_restrictions = check_recipient_access cdb:/etc/postfix/virtmap-access, permit")},
	}
	for _, tt := range tests {
		got, faults := edited(t, tt.text, tt.line)
		if got != tt.want || faults != "" {
			t.Errorf("it %s: got\n%s\nwant\n%s\n%s", tt.it, got, tt.want, faults)
		}
		if again, _ := edited(t, got, tt.line); again != got {
			t.Errorf("it %s: the second time it gives\n%s", tt.it, again)
		}
	}
}

func TestEditKeepsDomainsThatWereInferred(t *testing.T) {
	const text = "virtual_maps = hash:/v\nvirtual_mailbox_maps = hash:/m\n"
	got, faults := edited(t, text, domains, rows, Line{"virtual_mailbox_domains", "mailbox.virtmap.invalid"}, Line{"virtual_mailbox_maps", "cdb:/b"})
	want := "virtual_maps = hash:/v\n#virtmap# virtual_mailbox_maps = hash:/m\n" + blockOf(
		"virtual_alias_domains = cdb:/etc/postfix/virtmap-domains, hash:/v",
		"virtual_alias_maps = cdb:/etc/postfix/virtmap-virtual, regexp:/etc/postfix/virtmap-detail, $virtual_maps",
		"virtual_mailbox_domains = mailbox.virtmap.invalid, hash:/m", "virtual_mailbox_maps = cdb:/b, hash:/m")
	if got != want || faults != "" {
		t.Errorf("got\n%s\nwant\n%s\n%s", got, want, faults)
	}
}

func TestEditGivesTheSitesLinesBack(t *testing.T) {
	const text = "alias_maps = hash:/a,\n  hash:/b\n# comment\nrecipient_delimiter = +\n"
	with, _ := edited(t, text, aliases, delimiter)
	half, _ := edited(t, with, delimiter)
	if want := "alias_maps = hash:/a,\n  hash:/b\n# comment\n#virtmap# recipient_delimiter = +\n" + blockOf(plus); half != want {
		t.Errorf("without the aliases there is\n%s", half)
	}
	if none, faults := edited(t, half); none != text || faults != "" {
		t.Errorf("without lines there is\n%s%s", none, faults)
	}
}

func TestEditKeepsAMarkedContinuationFromOtherValues(t *testing.T) {
	const text = "#virtmap# alias_maps = hash:/a,\nmyorigin = a\n#virtmap#   hash:/b\n"
	got, _ := edited(t, text)
	if want := "alias_maps = hash:/a,\nmyorigin = a\n#virtmap#   hash:/b\n"; got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestEditRefuses(t *testing.T) {
	tests := []struct {
		it, text string
		line     Line
		want     []string
	}{
		{"another delimiter", "myorigin = a\nrecipient_delimiter = -\n", delimiter,
			[]string{`main.cf:2:1: error[VM141]: recipient_delimiter is "-" here, and the inventory needs "+"`, "help: change the line to: recipient_delimiter = +; or take it out"}},
		{"another delimiter that is out of force", "#virtmap# recipient_delimiter = -\n", delimiter, []string{`main.cf:1:1: error[VM141]`}},
		{"another folder of mailboxes", "virtual_mailbox_base = /var/vmail\n", Line{"virtual_mailbox_base", "/"}, []string{"main.cf:1:1: error[VM141]"}},
		{"another uid", "virtual_uid_maps = static:5000\n", Line{"virtual_uid_maps", "cdb:/etc/postfix/virtmap-uids"}, []string{"main.cf:1:1: error[VM141]"}},
		{"an open relay", "compatibility_level = 3.6\nsmtpd_relay_restrictions =\nsmtpd_recipient_restrictions = permit_mynetworks,\n  permit, reject_unauth_destination\n", access,
			[]string{"main.cf:3:1: error[VM142]: permit lets everyone", "help: write reject_unauth_destination before permit"}},
		{"an open relay through a reference", "mine = permit\nsmtpd_recipient_restrictions = $mine\n", access, []string{"main.cf:2:1: error[VM142]"}},
		{"an open relay through a class", "smtpd_restriction_classes = ours\nours = permit\nsmtpd_recipient_restrictions = ours\n", access, []string{"main.cf:3:1: error[VM142]"}},
		{"a line without =", "a = b\nmyorigin\n", delimiter, []string{"main.cf:2:1: error[VM143]: there is no = behind the name"}},
		{"a value in terms of itself", "a = b\nalias_maps = $alias_maps hash:/a\n", aliases, []string{"main.cf:2:1: error[VM143]: the value of alias_maps cannot be worked out"}},
		{"a block without its end", "a = b\n" + blockBegin + "\n", delimiter, []string{"main.cf:2:1: error[VM140]: the beginning"}},
		{"an end without its block", "a = b\n" + blockEnd + "\n", delimiter, []string{"main.cf:2:1: error[VM140]: the end"}},
		{"two blocks", blockOf() + blockOf(), delimiter, []string{"error[VM140]: a second beginning"}},
		{"a line that goes on with our value", blockOf(plus) + "# x\n  y\n", delimiter, []string{"main.cf:5:1: error[VM140]: a line that begins with a blank"}},
	}
	for _, tt := range tests {
		got, faults := edited(t, tt.text, tt.line)
		if got != tt.text {
			t.Errorf("it refuses %s and changes the text to\n%s", tt.it, got)
		}
		for _, want := range tt.want {
			if !strings.Contains(faults, want) {
				t.Errorf("it refuses %s: %q is missing in\n%s", tt.it, want, faults)
			}
		}
	}
}

func FuzzEdit(f *testing.F) {
	f.Add("alias_maps = hash:/a,\n  b\n#virtmap# recipient_delimiter = +\n" + blockOf(plus) + "# end\n")
	f.Add("a = b\r\n" + blockOf(plus) + "#virtmap#   y\nsmtpd_recipient_restrictions = $a reject\n")
	f.Fuzz(func(t *testing.T, text string) {
		lines := []Line{domains, rows, delimiter, access, aliases}
		got, faults := edited(t, text, lines...)
		if faults != "" {
			if got != text {
				t.Errorf("a fault, and the text becomes\n%s", got)
			}
			return
		}
		if again, faults := edited(t, got, lines...); again != got {
			t.Errorf("the first time there is\n%s\nthe second time\n%s\n%s", got, again, faults)
		}
		before, after := parse(text), parse(got)
		for name := range before.last {
			want, _, _ := before.Set(name)
			if have, _, _ := after.Set(name); have != want && !strings.HasPrefix(name, "virtual_alias_") && name != delimiter.Name &&
				name != access.Name && name != aliases.Name && !strings.Contains(text, outMark) && !strings.Contains(text, beginMark) {
				t.Errorf("%q was %q and is %q in\n%s", name, want, have, got)
			}
		}
	})
}
