package postfix

import (
	"slices"
	"strings"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/dkim"
	"virtmap/internal/mta/postfix/maincf"
	"virtmap/internal/mta/postfix/program"
	"virtmap/internal/mta/postfix/route"
	"virtmap/internal/mta/postfix/table"
	"virtmap/internal/outcome"
	"virtmap/internal/regular"
)

// Authorises reports whether senders who have logged in are compared with
// smtpd_sender_login_maps, at the service at which users log in.
func (s *Installed) Authorises() bool { return s.logins().Authorises() }

// Sends returns the outcome of MAIL FROM of a user who has logged in, and the keys that were
// tried. The From in the message is not looked at: Postfix does not compare it.
func (s *Installed) Sends(user, from string) (outcome.Outcome, []outcome.Step) {
	return s.logins().Sends(user, from)
}

// SendsAs returns the address that mail of the sendmail command of a user comes from
// (sender_canonical_maps), and the keys that were tried.
func (s *Installed) SendsAs(user string) (addr string, steps []outcome.Step, ok bool) {
	return s.router.SendsAs(user)
}

// loginRouter returns the Router with the values of the service at which users log in. If
// none of its -o options is about restrictions, that is the Router for strangers.
func (s *Installed) loginRouter() *route.Router {
	service, ok := s.layout.loginService()
	about := func(o maincf.Override) bool {
		return o.Name == loginMaps || strings.HasPrefix(o.Name, "smtpd_") && strings.HasSuffix(o.Name, "_restrictions")
	}
	if !ok || !slices.ContainsFunc(service.Overrides, about) {
		return s.router
	}
	config := *s.layout.config
	config.Hostname = s.host.Name
	param := func(name string) string { return config.ParamOf(service, name) }
	r, err := route.New(route.Site{Param: param, Open: s.openTable, Account: s.host.Account})
	if err != nil {
		panic("postfix: a second router: " + err.Error()) // only a fault of virtmap: the first one had none
	}
	return r
}

// loginService returns the service at which users log in, or would do so, as program.Instance
// chooses it; ok is false if there is none.
func (l *layout) loginService() (s maincf.Service, ok bool) {
	services := slices.DeleteFunc(slices.Clone(l.config.Services()), func(s maincf.Service) bool { return !runs(s, "smtpd") })
	for _, is := range []func(s maincf.Service) bool{
		func(s maincf.Service) bool {
			return slices.ContainsFunc(s.Overrides, func(o maincf.Override) bool { return o.Name == saslEnable && o.Value == "yes" })
		},
		func(s maincf.Service) bool { return program.IsSubmission(s.Name) },
		public,
	} {
		if i := slices.IndexFunc(services, is); i >= 0 {
			return services[i], true
		}
	}
	return s, false
}

// Rights returns who may send from which address, by virtmap-senders.
func (s *Installed) Rights() (all []outcome.Login, err error) {
	rows, err := s.rowsOf(fileSenders)
	if err != nil {
		return nil, err
	}
	for key, owners := range mapfile.All(rows) {
		for _, user := range table.Split(string(owners)) {
			if user != nobody {
				all = append(all, outcome.Login{User: user, From: string(key)})
			}
		}
	}
	mta.SortLogins(all)
	return all, nil
}

// Signed returns the domains whose mail is signed.
func (s *Installed) Signed() []string {
	text, ok := s.text(dkim.SigningTableName)
	if !ok {
		text, _ = regular.ReadIfThere(s.layout.place(s.layout.dir + "/" + dkim.SigningTableName)) // opendkim may read another table
	}
	return dkim.Signed(text)
}
