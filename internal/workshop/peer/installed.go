package peer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// InstallPostfix lays the unpacked Postfix over /usr and /etc, with a configuration such
// as Debian's packages write it for a host. Changes of /etc go to a file system of their
// own. Use it in a namespace.
func InstallPostfix(t *testing.T, host string) {
	t.Helper()
	root, over := PostfixRoot(t), t.TempDir()
	Run(t, "", "mount", "-t", "tmpfs", "none", over)
	t.Cleanup(func() { Run(t, "", "umount", "-l", over) })
	upper, work := filepath.Join(over, "upper"), filepath.Join(over, "work")
	for _, dir := range []string{upper, work} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	Run(t, "", "mount", "-t", "overlay", "overlay", "-o", "lowerdir="+filepath.Join(root, "usr")+":/usr", "/usr")
	Run(t, "", "mount", "-t", "overlay", "overlay", "-o", "lowerdir="+filepath.Join(root, "etc")+":/etc,upperdir="+upper+",workdir="+work, "/etc")
	master, err := os.ReadFile("/usr/share/postfix/master.cf.dist")
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{
		"/etc/postfix/main.cf":        strings.ReplaceAll(debianMain, "HOST", host),
		"/etc/postfix/master.cf":      string(master),
		"/etc/postfix/dynamicmaps.cf": "cdb\tpostfix-cdb.so\tdict_cdb_open\tmkmap_cdb_open\nlmdb\tpostfix-lmdb.so\tdict_lmdb_open\tmkmap_lmdb_open\n",
		"/etc/mailname":               host + "\n",
		"/etc/aliases":                "postmaster: root\nroot: games\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	Run(t, "", "postalias", "/etc/aliases")
}

// debianMain has the parameters that Debian's packages set at an internet site.
const debianMain = `smtpd_banner = $myhostname ESMTP $mail_name (Debian/GNU)
biff = no
append_dot_mydomain = no
readme_directory = no
compatibility_level = 3.6
smtpd_tls_security_level = may
smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated defer_unauth_destination
myhostname = HOST
alias_maps = hash:/etc/aliases
alias_database = hash:/etc/aliases
myorigin = /etc/mailname
mydestination = $myhostname, localhost.localdomain, localhost
relayhost =
mynetworks = 127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128
mailbox_size_limit = 0
recipient_delimiter = +
inet_interfaces = all
inet_protocols = all
`
