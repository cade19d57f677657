package outcome

import "testing"

func TestKeeps(t *testing.T) {
	taken := func(recipients ...string) Outcome { return Outcome{Taken: true, Recipients: recipients} }
	unknown := Outcome{Code: 550, Status: "5.1.1", Text: "User unknown"}
	notOurs := Outcome{NotOurs: true, Code: 550, Status: "5.7.1", Text: "Relaying denied"}
	for _, c := range []struct {
		it           string
		got, promise Outcome
		want         bool
	}{
		{"keeps an open promise when mail is taken", taken("andrei"), Outcome{Open: true}, true},
		{"keeps an open promise when mail is refused", unknown, Outcome{Open: true}, true},
		{"keeps the same recipients", taken("andrei", "bea"), taken("andrei", "bea"), true},
		{"keeps recipients whatever the reply says", Outcome{Taken: true, Recipients: []string{"andrei"}, Text: "Recipient ok"}, taken("andrei"), true},
		{"breaks a promise by one recipient more", taken("andrei", "bea"), taken("andrei"), false},
		{"breaks a promise by one recipient less", taken(), taken("andrei"), false},
		{"keeps a list of which every member is refused", taken(), Outcome{Taken: true}, true},
		{"breaks a promise by a refusal", unknown, taken("andrei"), false},
		{"breaks a refusal by taking the mail", taken("andrei"), unknown, false},
		{"breaks a refusal of any kind by taking the mail", taken(), Outcome{}, false},
		{"keeps the same refusal", unknown, unknown, true},
		{"breaks a refusal by another code", Outcome{Code: 551, Status: "5.1.1", Text: "User unknown"}, unknown, false},
		{"breaks a refusal by another status", Outcome{Code: 550, Status: "5.1.2", Text: "User unknown"}, unknown, false},
		{"breaks a refusal by another text", Outcome{Code: 550, Status: "5.1.1", Text: "gone"}, unknown, false},
		{"breaks a refusal by having no code", Outcome{}, unknown, false},
		{"chooses the text that is not promised", unknown, Outcome{Code: 550, Status: "5.1.1"}, true},
		{"chooses the status that is not promised", unknown, Outcome{Code: 550}, true},
		{"chooses the code that is not promised", unknown, Outcome{Status: "5.1.1"}, true},
		{"chooses the whole reply", unknown, Outcome{}, true},
		{"keeps not ours by its reply", Outcome{Code: 550, Status: "5.7.1"}, Outcome{NotOurs: true, Code: 550, Status: "5.7.1"}, true},
		{"keeps not ours by its reason", notOurs, Outcome{NotOurs: true}, true},
		{"keeps not ours by its reason with another reply", Outcome{NotOurs: true, Code: 454, Status: "4.7.1"}, Outcome{NotOurs: true, Code: 550, Status: "5.7.1"}, true},
		{"breaks not ours by another reply without its reason", unknown, Outcome{NotOurs: true, Code: 550, Status: "5.7.1"}, false},
		{"breaks not ours by taking the mail", Outcome{Taken: true, NotOurs: true}, Outcome{NotOurs: true}, false},
		{"chooses the text when any text is promised", unknown, Outcome{Code: 550, Status: "5.1.1", Text: "gone", AnyText: true}, true},
		{"breaks any text by another code", unknown, Outcome{Code: 551, Status: "5.1.1", AnyText: true}, false},
		{"breaks not ours by another reason", unknown, Outcome{NotOurs: true}, false},
	} {
		if c.got.Keeps(c.promise) != c.want {
			t.Errorf("it %s: got %+v, promised %+v, want kept %v", c.it, c.got, c.promise, c.want)
		}
	}
}

func TestString(t *testing.T) {
	for _, c := range []struct {
		of   Outcome
		want string
	}{
		{Outcome{Taken: true, Recipients: []string{"/srv/mail/bea", "andrei+x"}}, "/srv/mail/bea, andrei+x"},
		{Outcome{Taken: true}, ""},
		{Outcome{Code: 550, Status: "5.1.1", Text: "User unknown"}, "550 5.1.1 User unknown"},
		{Outcome{NotOurs: true, Code: 550, Status: "5.7.1"}, "550 5.7.1"},
		{Outcome{Code: 250, Text: "an error row with this code"}, "250  an error row with this code"},
		{Outcome{Open: true}, "0"},
	} {
		if got := c.of.String(); got != c.want {
			t.Errorf("%+v is written %q, want %q", c.of, got, c.want)
		}
	}
}

func TestOfReply(t *testing.T) {
	for _, c := range []struct {
		it, text, status, want string
	}{
		{"has the address and dots", "5.1.1 <a@d.example>... User unknown", "5.1.1", "User unknown"},
		{"has the address and a colon", "5.7.1 <a@d.example>: Relay access denied", "5.7.1", "Relay access denied"},
		{"says that the address is rejected", "5.1.1 <a@d.example>: Recipient address rejected: Wait... more", "5.1.1", "Wait... more"},
		{"has a colon behind dots", "5.1.1 <a@d.example>... <b@d.example>: gone", "5.1.1", "<b@d.example>: gone"},
		{"has no address", "5.5.2 Recipient address rejected: no", "5.5.2", "Recipient address rejected: no"},
		{"has no status", "gone", "", "gone"},
	} {
		got := OfReply(550, c.text)
		if got.Taken || got.Code != 550 || got.Status != c.status || got.Text != c.want {
			t.Errorf("a reply that %s, %q: got %+v", c.it, c.text, got)
		}
	}
}
