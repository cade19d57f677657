package smtpd_test

import (
	"net/smtp"
	"strings"
	"testing"

	"virtmap/internal/smtpd"
)

// fixedRouter answers every recipient alike.
type fixedRouter smtpd.Answer

func (r fixedRouter) Route(string) smtpd.Answer { return smtpd.Answer(r) }

// TestPostmasterIsTakenUnlessNobodyKnows: the bare postmaster is taken even
// where no table knows it (RFC 5321 section 4.5.1), but a table that cannot be
// read is not guessed at.
func TestPostmasterIsTakenUnlessNobodyKnows(t *testing.T) {
	for _, c := range []struct {
		verdict smtpd.Answer
		want    string
	}{
		{smtpd.Answer{Code: 550, Status: "5.1.1", Text: "User unknown"}, ""},
		{smtpd.Answer{Code: 451, Status: "4.3.0", Text: "map is missing or damaged"}, "451"},
	} {
		addr := serve(t, smtpd.Config{Host: "mx1.example.net", Router: fixedRouter(c.verdict), Store: &smtpd.Memory{}})
		err := smtp.SendMail(addr, nil, "a@b.example", []string{"PostMaster"}, []byte("x\r\n"))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
			t.Errorf("%d is answered %v, want %q", c.verdict.Code, err, c.want)
		}
	}
}
