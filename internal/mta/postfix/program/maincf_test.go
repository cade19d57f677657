package program

import (
	"strings"
	"testing"
)

func TestMainOfTheInstance(t *testing.T) {
	o := Options{
		Root: Root{Sbin: "/usr/sbin", Daemons: "/usr/lib/postfix/sbin"}, Folder: "/srv/instance",
		Move: func(path string) string { return strings.Replace(path, "/etc/postfix/", "/srv/copy/", 1) },
	}
	for _, c := range []struct{ it, text, name, want string }{
		{"keeps a value", "relay_domains = a.example", "relay_domains", "a.example"},
		{"keeps the last value of a name", "relay_domains = a.example\nrelay_domains = b.example", "relay_domains", "b.example"},
		{"goes on behind a comment", "relay_domains = a.example\n# no\n\n  b.example\n", "relay_domains", "a.example b.example"},
		{"keeps an = of a value", "import_x = A=B", "import_x", "A=B"},
		{"owns the queue", "queue_directory = /var/spool/postfix", "queue_directory", "/srv/instance/queue"},
		{"sends nothing through a filter", "content_filter = amavis:[127.0.0.1]:10024", "content_filter", ""},
		{"has no delay between deliveries", "smtp_destination_rate_delay = 5s", "smtp_destination_rate_delay", "-"},
		{"moves the file of a map", "alias_maps = hash:/etc/postfix/aliases, cdb:/etc/aliases", "alias_maps", "hash:/srv/copy/aliases, cdb:/etc/aliases"},
		{"moves a list of names", "mydestination = localhost,/etc/postfix/names", "mydestination", "localhost,/srv/copy/names"},
		{"moves a file in braces", "x_maps = pipemap:{hash:/etc/postfix/a,hash:/etc/postfix/b}", "x_maps", "pipemap:{hash:/srv/copy/a,hash:/srv/copy/b}"},
		{"knows the configuration folder", "virtual_alias_maps = cdb:$config_directory/v, cdb:${config_directory}/w", "virtual_alias_maps", "cdb:/srv/copy/v, cdb:/srv/copy/w"},
		{"leaves the bits of a network", "x_networks = 10.0.0.0/8 [::1]/128", "x_networks", "10.0.0.0/8 [::1]/128"},
		{"asks no greylist", "smtpd_recipient_restrictions = permit_mynetworks, check_policy_service inet:127.0.0.1:10023, check_recipient_access cdb:/etc/postfix/a",
			"smtpd_recipient_restrictions", "permit_mynetworks, check_recipient_access cdb:/srv/copy/a"},
		{"asks no policy server in braces", "x_restrictions = check_policy_service { unix:private/p, timeout=10s }, reject", "x_restrictions", "reject"},
		{"asks no DNS list", "x_restrictions = reject_rbl_client zen.example=127.0.0.[2..11],reject_rhsbl_sender dbl.example", "x_restrictions", ""},
		{"asks no DNS for the client", "x_restrictions = reject_unknown_client_hostname reject_unknown_recipient_domain, reject_unknown_sender_domain", "x_restrictions", "reject_unknown_recipient_domain"},
		{"gives accounts of another mailbox server to one service", "mailbox_transport = lmtp:unix:private/dovecot-lmtp", "mailbox_transport", "virtmap-account:"},
		{"gives the host's mail of another mailbox server to one service", "local_transport = lmtp:unix:private/dovecot-lmtp", "local_transport", "virtmap-account:"},
		{"leaves a host that takes no mail", "local_transport = error:no mail here", "local_transport", "error:no mail here"},
	} {
		o.Main = []byte(c.text)
		m := o.instanceMain()
		if got := m.value(c.name, "-"); got != c.want {
			t.Errorf("it %s: %s is %q, want %q", c.it, c.name, got, c.want)
		}
		seen := map[string]bool{}
		for line := range strings.Lines(string(m.text())) {
			name, _, _ := strings.Cut(line, " =")
			if seen[name] {
				t.Errorf("it %s: %s stands twice", c.it, name)
			}
			seen[name] = true
		}
	}
}

func TestMasterOfTheInstance(t *testing.T) {
	for _, c := range []struct{ it, text, want, never string }{
		{"listens on its port", "", "\n127.0.0.1:2525 inet n - n - - smtpd\n", "\nsmtp inet"},
		{"throws away what leaves", "", "\nsmtp unix - - n - - discard\n  -o { syslog_name = postfix/smtp }\n", "unix smtp"},
		{"keeps the options of port 25", "smtp inet n - y - - smtpd\n  -o smtpd_recipient_restrictions=reject\n  -o { mynetworks = 10.0.0.0/8 }\n",
			"smtpd\n  -o { smtpd_recipient_restrictions = reject }\n", "mynetworks"},
		{"keeps an option with blanks", "192.0.2.1:25 inet n - y - - smtpd -v -o { smtpd_recipient_restrictions = permit_mynetworks, reject }\n",
			"  -o { smtpd_recipient_restrictions = permit_mynetworks, reject }\n", "192.0.2.1"},
		{"keeps the options of smtpd behind postscreen", "smtp inet n - y - 1 postscreen\nsmtpd pass - - y - - smtpd\n  -o virtual_alias_maps=\n", "-o { virtual_alias_maps =  }\n", "postscreen"},
		{"has no submission", "submission inet n - y - - smtpd\n  -o smtpd_recipient_restrictions=reject\n", "smtpd\n", "reject"},
		{"runs no program", "filter unix - n n - - pipe\n  flags=Rq user=filter argv=/bin/filter ${sender}\n", "\nfilter unix - - n - - discard\n  -o { syslog_name = postfix/filter }\n", "argv"},
		{"keeps the options of cleanup", "cleanup unix n - - - 0 cleanup -o virtual_alias_maps=\n", "\ncleanup unix n - n - 0 cleanup\n  -o { virtual_alias_maps =  }\n", "n - - - 0"},
		{"keeps a second cleanup", "pre-cleanup unix n - - - 0 cleanup -o virtual_alias_maps=\n", "\npre-cleanup unix n - n - 0 cleanup\n  -o { virtual_alias_maps =  }\n", "- - - 0"},
		{"passes over what is no service", "smtp inet\n# lost - n n - - pipe\nx/y/z = 1\n", "\npickup unix", "lost"},
	} {
		got := "\n" + string(Options{Master: []byte(c.text)}.instanceMaster("127.0.0.1:2525", nil))
		if !strings.Contains(got, c.want) || strings.Contains(got, c.never) {
			t.Errorf("it %s: want %q and not %q in\n%s", c.it, c.want, c.never, got)
		}
	}
}
