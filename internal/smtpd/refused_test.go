package smtpd_test

import (
	"net/smtp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"virtmap/internal/smtpd"
)

// TestTellsWhichRecipientsWereRefused sends to recipients of which some are refused, by the
// Router and by a failure rule, and then to none that is accepted.
func TestTellsWhichRecipientsWereRefused(t *testing.T) {
	rule, err := smtpd.ParseFailure("RCPT *bea@* 451 4.3.0 later")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var told []string
	ended := make(chan string, 1)
	store := &smtpd.Memory{}
	addr := serve(t, smtpd.Config{Host: "mx1.example.net", Router: onlyAnna{}, Store: store, Failures: []*smtpd.Failure{rule}, MaxRecipients: 2,
		Refused: func(m smtpd.Message, r smtpd.Refusal) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, m.From+" "+r.Address+" "+r.Reply)
		},
		Ended: func(client string) { ended <- client },
	})
	c, err := smtp.Dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, to := range [][]string{{"anna", "old", "bea", "third"}, {"old"}} {
		if err := c.Mail("ann@b.example"); err != nil {
			t.Fatal(err)
		}
		for _, local := range to {
			_ = c.Rcpt(local + "@a.example")
		}
		if w, err := c.Data(); err == nil {
			_ = w.Close()
		}
		_ = c.Reset()
	}
	_ = c.Quit()
	select {
	case client := <-ended:
		if !strings.HasPrefix(client, "127.0.0.1:") {
			t.Errorf("the session of %q ended", client)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("nobody says that the session ended")
	}
	const gone, later = "550 5.1.1 <old@a.example>... User unknown", "451 4.3.0 later"
	mu.Lock()
	defer mu.Unlock()
	if want := []string{"ann@b.example old@a.example " + gone, "ann@b.example bea@a.example " + later, "ann@b.example third@a.example 550 5.1.1 <third@a.example>... User unknown",
		"ann@b.example old@a.example " + gone}; !slices.Equal(told, want) {
		t.Errorf("told is %q", told)
	}
	got := store.Messages()
	if len(got) != 1 || !slices.Equal(got[0].Refused, []smtpd.Refusal{{Address: "old@a.example", Reply: gone}, {Address: "bea@a.example", Reply: later}}) {
		t.Errorf("the messages are %+v", got) // the third refusal is above MaxRecipients
	}
}

type onlyAnna struct{}

func (onlyAnna) Route(recipient string) smtpd.Answer {
	if recipient == "anna@a.example" {
		return smtpd.Answer{Taken: true, Mailboxes: []string{"anna"}}
	}
	return smtpd.Answer{Code: 550, Status: "5.1.1", Text: "User unknown"}
}
