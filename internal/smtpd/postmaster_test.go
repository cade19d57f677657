package smtpd_test

import (
	"net/smtp"
	"strings"
	"testing"

	"virtmap/internal/smtpd"
)

// fixedRouter gives every recipient the same answer.
type fixedRouter smtpd.Answer

func (r fixedRouter) Route(string) smtpd.Answer { return smtpd.Answer(r) }

// TestBarePostmaster: postmaster without a domain is accepted when the router has
// no such recipient (RFC 5321 section 4.5.1). It gets the router's reply when a
// table cannot be read.
func TestBarePostmaster(t *testing.T) {
	for _, c := range []struct {
		answer smtpd.Answer
		want   string
	}{
		{smtpd.Answer{Code: 550, Status: "5.1.1", Text: "User unknown"}, ""},
		{smtpd.Answer{Code: 451, Status: "4.3.0", Text: "map is missing or damaged"}, "451"},
	} {
		addr := serve(t, smtpd.Config{Host: "mx1.example.net", Router: fixedRouter(c.answer), Store: &smtpd.Memory{}})
		err := smtp.SendMail(addr, nil, "a@b.example", []string{"PostMaster"}, []byte("x\r\n"))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
			t.Errorf("%d is answered %v, want %q", c.answer.Code, err, c.want)
		}
	}
}
