package inventory

import (
	"slices"
	"strings"

	"virtmap/internal/diag"
)

// A Kind is one kind of mail server with its defaults.
type Kind struct {
	Name ServerKind
	Own  string    // how its configuration calls the server's own name
	Dir  string    // the default of host.mail_dir
	Maps []MapType // the values of host.map, the default first
}

// ServerKinds are all kinds, the default first.
var ServerKinds = []Kind{
	{"sendmail", "$j", "/etc/mail", []MapType{MapHash, MapCDB, MapText}},
	{"postfix", "myhostname", "/etc/postfix", []MapType{MapHash, MapCDB, MapLMDB, MapLMDB1, MapTextHash}},
	{"exim", "primary_hostname", "/etc/exim4/virtmap", []MapType{MapCDB, MapHash, MapText}},
	{"opensmtpd", "the mail name", "/etc/mail/virtmap", []MapType{MapText}},
}

// kindNames returns the values of host.server.
func kindNames() (names []ServerKind) {
	for _, k := range ServerKinds {
		names = append(names, k.Name)
	}
	return names
}

// fill gives the keys that are not given the defaults of the kind of server.
func (h *Host) fill() {
	i := slices.IndexFunc(ServerKinds, func(k Kind) bool { return k.Name == h.Server })
	if h.MailDir.Text == "" {
		h.MailDir.Text = ServerKinds[i].Dir
	}
	if h.Map == "" {
		h.Map = ServerKinds[i].Maps[0]
	}
}

// ofEach returns a phrase about each kind of server.
func ofEach(separator string, phrase func(k *Kind) string) string {
	var all []string
	for i := range ServerKinds {
		if words := phrase(&ServerKinds[i]); words != "" {
			all = append(all, words)
		}
	}
	return strings.Join(all, separator)
}

// choice lists words as in "a, b or c".
func choice[T ~string](words []T) string {
	var all []string
	for _, word := range words {
		all = append(all, string(word))
	}
	return diag.Choice(all...)
}

// defaultMaps returns the default of host.map, for each kind of server with another one
// than the first.
func defaultMaps() string {
	usual := ServerKinds[0].Maps[0]
	return string(usual) + ofEach("", func(k *Kind) string {
		if k.Maps[0] == usual {
			return ""
		}
		return ", for " + string(k.Name) + " " + string(k.Maps[0])
	})
}
