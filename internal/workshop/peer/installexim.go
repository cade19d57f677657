package peer

import (
	"os"
	"strings"
	"testing"
)

// InstallExim lays the unpacked Exim over /usr, /etc and /var, with the configuration that
// Debian's packages write for a host that sends its mail to a smarthost, such as
// 127.0.0.2::2525. split says that the configuration is in the files of
// /etc/exim4/conf.d. Changes go to a file system of their own. Use it in a namespace.
func InstallExim(t *testing.T, host, smarthost string, split bool) {
	t.Helper()
	Lay(t, EximRoot(t), "/usr", "/etc", "/var")
	Run(t, "", "mount", "-t", "tmpfs", "none", "/run")
	for _, dir := range []string{"/var/lib/exim4", "/var/spool/exim4", "/var/log/exim4", "/run/exim4"} {
		Run(t, "", "install", "-d", "-o", "Debian-exim", "-g", "Debian-exim", dir)
	}
	use := "false"
	if split {
		use = "true"
	}
	for path, text := range map[string]string{
		"/etc/exim4/update-exim4.conf.conf": strings.NewReplacer("HOST", host, "SMART", smarthost, "SPLIT", use).Replace(debianExim),
		"/etc/mailname":                     host + "\n",
		"/etc/aliases":                      "postmaster: root\nroot: games\n",
		"/etc/email-addresses":              "",
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	Run(t, "", "hostname", host)
}

// debianExim has what Debian's packages ask for at their installation.
const debianExim = `dc_eximconfig_configtype='smarthost'
dc_other_hostnames='HOST'
dc_local_interfaces='127.0.0.1'
dc_readhost=''
dc_relay_domains=''
dc_minimaldns='true'
dc_relay_nets=''
dc_smarthost='SMART'
CFILEMODE='644'
dc_use_split_config='SPLIT'
dc_hide_mailname='false'
dc_mailname_in_oh='true'
dc_localdelivery='mail_spool'
`
