package program

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// write writes the configuration.
func (e *Exim) write() error {
	spool, err := e.spool()
	if err != nil {
		return err
	}
	if e.Site != nil {
		e.Site.Apart(spool)
		return os.WriteFile(e.conf(), e.Site.Text(), 0o644)
	}
	text, err := e.fromTemplate(spool)
	if err != nil {
		return err
	}
	text = setLimit.ReplaceAll(text, nil)
	text = append([]byte("VIRTMAP_DIR = "+e.Tables+"\nsmtp_accept_max_nonmail = 1000000\n"), text...)
	return os.WriteFile(e.conf(), text, 0o644)
}

// setLimit finds the limit of commands such as RSET in a session.
var setLimit = regexp.MustCompile(`(?m)^[ \t]*smtp_accept_max_nonmail\b.*$`)

// macros are the values of the macros that update-exim4.conf would define.
const macros = `MAIN_PACKAGE_VERSION=x
ETC_MAILNAME=%HOST%
LOCAL_DELIVERY=mail_spool
MAIN_RELAY_NETS=127.0.0.1 : ::::1
DCreadhost=
DCsmarthost=192.0.2.1
DC_eximconfig_configtype=smarthost
DCconfig_smarthost=1
DC_minimaldns=1
MAIN_HARDCODE_PRIMARY_HOSTNAME=%HOST%
`

// options take the place of options of the template: no DNS is asked.
const options = `spool_directory = %SPOOL%
log_file_path = %SPOOL%/%slog
tls_advertise_hosts =
host_lookup =
`

var setElsewhere = regexp.MustCompile(`(?m)^(spool_directory|host_lookup|tls_advertise_hosts|log_file_path)\b.*$`)

// fromTemplate returns the template of Debian with the snippets in their places. Mail for
// other servers would go to a smarthost, so that exim -bt asks no DNS.
func (e *Exim) fromTemplate(spool string) ([]byte, error) {
	template, err := os.ReadFile(e.Root.Template)
	if err != nil {
		return nil, err
	}
	main, err := os.ReadFile(filepath.Join(e.Tables, "main"))
	if err != nil {
		return nil, err
	}
	aliases, mailname := filepath.Join(e.Folder, "aliases"), filepath.Join(e.Folder, "email-addresses")
	for path, text := range map[string]string{aliases: e.Aliases, mailname: ""} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	text := setElsewhere.ReplaceAllString(string(template), "")
	for _, r := range []struct{ old, new string }{
		{"\nbegin routers\n", "\nbegin routers\n.include " + e.Tables + "/routers\n"},
		{"\nmail4root:\n", "\n.include " + e.Tables + "/routers-last\nmail4root:\n"},
		{"\nbegin authenticators\n", "\nbegin authenticators\n" + authenticator.text()},
		{"\nbegin transports\n", "\nbegin transports\n.include " + e.Tables + "/transports\n"},
	} {
		if !strings.Contains(text, r.old) {
			return nil, fmt.Errorf("%q has no line %q", e.Root.Template, strings.TrimSpace(r.old))
		}
		text = strings.Replace(text, r.old, r.new, 1)
	}
	text = strings.NewReplacer("/etc/aliases", aliases, "/etc/email-addresses", mailname).Replace(text)
	head := strings.NewReplacer("%HOST%", e.Host, "%SPOOL%", spool)
	return []byte("CONFDIR = " + e.Folder + "\n" + guarded(head.Replace(macros)) + string(main) + head.Replace(options) + text), nil
}

// guarded returns definitions of macros that count unless a macro is already defined.
func guarded(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		name, _, _ := strings.Cut(line, "=")
		out.WriteString(".ifndef " + name + "\n" + line + ".endif\n")
	}
	return out.String()
}
