package program

import (
	"bytes"
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

// An entry is one name of main.cf with its value.
type entry struct{ name, value string }

// A mainCF is a main.cf in which each name stands once, because Postfix warns of a
// second one.
type mainCF struct{ entries []entry }

// newMain reads main.cf (postconf(5)): the last line of a name wins, a line that begins
// with a blank goes on with the value, also behind comments and empty lines.
func newMain(text []byte) *mainCF {
	var m mainCF
	for _, line := range logicalLines(text) {
		name, value, _ := strings.Cut(line, "=")
		m.set([]entry{{strings.TrimSpace(name), strings.TrimSpace(value)}})
	}
	return &m
}

// logicalLines returns the lines of main.cf or master.cf without comments, each with its
// continuation lines behind a blank.
func logicalLines(text []byte) []string {
	var lines []string
	for raw := range bytes.Lines(text) {
		line := strings.TrimRight(string(raw), " \t\r\n")
		trimmed := strings.TrimLeft(line, " \t")
		switch {
		case trimmed == "" || trimmed[0] == '#':
		case trimmed != line && len(lines) > 0:
			lines[len(lines)-1] += " " + trimmed
		default:
			lines = append(lines, trimmed)
		}
	}
	return lines
}

// set gives names other values.
func (m *mainCF) set(entries []entry) {
	for _, e := range entries {
		m.remove(func(name string) bool { return name == e.name })
		m.entries = append(m.entries, e)
	}
}

func (m *mainCF) remove(is func(name string) bool) {
	m.entries = slices.DeleteFunc(m.entries, func(e entry) bool { return is(e.name) })
}

// value returns the value of a name, or another one when main.cf does not have the name.
func (m *mainCF) value(name, otherwise string) string {
	for _, e := range m.entries {
		if e.name == name {
			return e.value
		}
	}
	return otherwise
}

func (m *mainCF) text() []byte {
	var b bytes.Buffer
	for _, e := range m.entries {
		b.WriteString(e.name + " = " + e.value + "\n")
	}
	return b.Bytes()
}

// strangers matches the restrictions that judge a client by the DNS or by a policy
// server. The DNS knows nothing good of a client at 127.0.0.2, and a greylist defers
// every stranger: neither says anything about the address that it writes to.
var strangers = regexp.MustCompile(`\b(?:(?:check_policy_service|reject_rbl_client|reject_rhsbl_\w+|permit_dnswl_client|permit_rhswl_client|sleep)[\s,]+(?:\{[^}]*\}|[^\s,}]+)` +
	`|reject_unknown_(?:(?:reverse_)?client_hostname|client|helo_hostname|hostname|sender_domain)|reject_unverified_sender|reject_plaintext_session)(?:$|[\s,]+|\b)`)

// paths matches an absolute path that begins a word of a value or follows "type:".
var paths = regexp.MustCompile(`(^|[\s,:={])(/[^\s,;:{}()]+)`)

var configDirectory = regexp.MustCompile(`\$(?:config_directory\b|\{config_directory\}|\(config_directory\))`)

// adapted returns a value of main.cf or of a -o option for the instance: the files are
// where move says, and no restriction judges the client.
func (o Options) adapted(value string) string {
	etc := o.Etc
	if etc == "" {
		etc = "/etc/postfix"
	}
	value = configDirectory.ReplaceAllLiteralString(value, etc)
	value = strings.Trim(strangers.ReplaceAllString(value, ""), " \t,")
	if o.Move == nil {
		return value
	}
	return paths.ReplaceAllStringFunc(value, func(found string) string {
		at := strings.IndexByte(found, '/')
		return found[:at] + o.Move(found[at:])
	})
}

// owned are the entries that the instance must have with its own value: places, the
// loopback, no limits that cost time, nothing that sends mail elsewhere, and no filter
// that hides where an address ends. {d} is the folder.
const owned = `
queue_directory = {d}/queue
data_directory = {d}/data
mail_spool_directory = {d}/spool
maillog_file = {d}/log/mail.log
maillog_file_prefixes = {d}/log
syslog_name = postfix
import_environment = MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C POSTLOG_SERVICE POSTLOG_HOSTNAME LD_LIBRARY_PATH
export_environment = TZ MAIL_CONFIG LANG=C LD_LIBRARY_PATH
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.1/32
multi_instance_enable = no
multi_instance_directories =
multi_instance_wrapper =
multi_instance_name =
authorized_submit_users = static:anyone
disable_dns_lookups = yes
address_verify_map =
enable_original_recipient = yes
local_destination_recipient_limit = 1
default_process_limit = 10
default_destination_rate_delay = 0s
default_transport_rate_delay = 0s
defer_transports =
in_flow_delay = 0
delay_warning_time = 0h
notify_classes =
biff = no
always_bcc =
sender_bcc_maps =
recipient_bcc_maps =
content_filter =
receive_override_options =
header_checks =
mime_header_checks =
nested_header_checks =
body_checks =
smtpd_milters =
non_smtpd_milters =
smtpd_proxy_filter =
smtpd_peername_lookup = no
smtpd_discard_ehlo_keywords =
smtpd_discard_ehlo_keyword_address_maps =
smtpd_error_sleep_time = 0
smtpd_soft_error_limit = 100000000
smtpd_hard_error_limit = 100000000
smtpd_junk_command_limit = 100000000
smtpd_recipient_limit = 100000
smtpd_recipient_overshoot_limit = 100000
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_client_message_rate_limit = 0
smtpd_client_recipient_rate_limit = 0
smtpd_timeout = 600s
smtpd_sasl_auth_enable = no
smtpd_tls_security_level = none
smtpd_tls_wrappermode = no
smtpd_tls_auth_only = no
smtpd_use_tls = no
smtpd_enforce_tls = no
smtp_tls_security_level = none
`

// ownedEntries returns the entries of owned, for a folder.
func ownedEntries(folder string) []entry {
	return newMain([]byte(strings.ReplaceAll(owned, "{d}", folder))).entries
}

var ownedNames = func() map[string]bool {
	names := map[string]bool{}
	for _, e := range ownedEntries("") {
		names[e.name] = true
	}
	return names
}()

// accountTransport is the service to which an instance gives mail for accounts, when the
// site has another one for it than local(8), such as LMTP to a mailbox server.
const accountTransport = "virtmap-account"

// instanceMain returns the main.cf of the instance.
func (o Options) instanceMain() *mainCF {
	m := newMain(o.Main)
	m.remove(func(name string) bool { // of one transport, as smtp_destination_rate_delay
		return strings.HasSuffix(name, "_rate_delay")
	})
	for i, e := range m.entries {
		m.entries[i].value = o.adapted(e.value)
	}
	if m.value("mailbox_transport", "") != "" {
		m.set([]entry{{"mailbox_transport", accountTransport + ":"}})
	}
	if t, _, _ := strings.Cut(m.value("local_transport", "local"), ":"); t != "local" && t != "error" {
		m.set([]entry{{"local_transport", accountTransport + ":"}})
	}
	m.set(o.Root.places(o.etc()))
	m.set(ownedEntries(o.Folder))
	return m
}

// write writes main.cf with an earlier time: each program of Postfix reads the file again
// and again until it is a second old.
func (m *mainCF) write(path string) error {
	past := time.Now().Add(-time.Minute)
	return errors.Join(os.WriteFile(path, m.text(), 0o644), os.Chtimes(path, past, past))
}
