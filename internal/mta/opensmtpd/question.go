package opensmtpd

import "virtmap/internal/mta/opensmtpd/program"

// Question returns what a real OpenSMTPD needs to know about a build in order to answer
// with outcomes.
func Question(b Build) program.Options {
	router := &b.Set().(*Set).router
	o := program.Options{
		Host: b.Model.Host.Name.Text, Dir: b.Model.Host.MailDir.Text,
		Ours: func(domain string) bool { return router.domains[domain] != elsewhere },
	}
	paths := map[string]string{}
	for i := range b.Model.Users {
		u := &b.Model.Users[i]
		o.Accounts = append(o.Accounts, u.Name.Text)
		paths[u.Name.Text] = u.Mailbox.Text
	}
	o.Mailbox = func(user string) string { return paths[user] }
	return o
}
