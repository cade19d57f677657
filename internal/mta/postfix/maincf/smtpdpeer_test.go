package maincf

import (
	"slices"
	"strings"
	"testing"

	"virtmap/internal/workshop/peer"
)

// greeting runs smtpd alone with a main.cf, and returns its greeting. An smtpd that does not
// start has none.
func greeting(t *testing.T, text string, args ...string) string {
	t.Helper()
	command := peer.Postfix(t, "../lib/postfix/sbin/smtpd")
	p := postconf{dir: strings.TrimPrefix(command[1], "MAIL_CONFIG=")}
	p.write(t, MainName, text+"\nqueue_directory = "+p.dir+"\ndata_directory = "+p.dir+"\nmeta_directory = "+p.dir+
		"\nlocal_recipient_maps =\nmyhostname = a.d.example\nsmtpd_peername_lookup = no\n")
	args = slices.Concat([]string{"10"}, command, []string{"-S"}, args)
	out, _, _ := peer.Try("QUIT\r\n", peer.Find(t, "timeout"), args...)
	first, _, _ := strings.Cut(out, "\r\n")
	return first
}

// TestADaemonDecidesWherePostconfDiffers is about -o, which postconf 3.7 reads otherwise than
// the daemons.
func TestADaemonDecidesWherePostconfDiffers(t *testing.T) {
	args := []string{"-o", "myhostname=h.z.example", "-osmtpd_banner=$myhostname,$mydomain,$process_name"}
	c := parse("myhostname = a.d.example\n")
	c.parseServices(MasterName, "smtp inet n - n - - smtpd "+strings.Join(args, " "))
	want := "220 " + c.ParamOf(c.Services()[0], "smtpd_banner")
	if got := greeting(t, "compatibility_level = 3.6\n", args...); got != want || got != "220 h.z.example,z.example,smtpd" {
		t.Errorf("smtpd says %q, ParamOf %q", got, want)
	}
}

// TestSmtpdStartsWithTheMergedRestrictions is about the guard that smtpd demands.
func TestSmtpdStartsWithTheMergedRestrictions(t *testing.T) {
	const rule = "check_recipient_access static:DUNNO"
	for _, text := range []string{
		"compatibility_level = 3.6\n",
		"compatibility_level = 0\n",
		"compatibility_level = 3.6\nsmtpd_relay_restrictions =\n",
		"compatibility_level = 0\nsmtpd_recipient_restrictions = permit_mynetworks, warn_if_reject reject\n",
		"compatibility_level = 0\nsmtpd_restriction_classes = ours\nours = permit_mynetworks, reject\nsmtpd_recipient_restrictions = ours\n",
	} {
		got, faults := edited(t, text, Line{recipientRestrictions, rule})
		if faults != "" {
			t.Errorf("%s%s", text, faults)
		} else if line := greeting(t, got); !strings.HasPrefix(line, "220 ") {
			t.Errorf("smtpd says %q with\n%s", line, got)
		}
	}
	if line := greeting(t, "compatibility_level = 0\nsmtpd_recipient_restrictions = "+rule+"\n"); line != "" {
		t.Errorf("without a guard smtpd says %q", line)
	}
}
