package lists

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// read by docker-mailserver's kind: the files of its configuration folder, in the order in
// which they are read.
var dockerFiles = []struct{ name, kind string }{
	{"postfix-virtual.cf", "postfix"},
	{"postfix-accounts.cf", "mailbox"},
	{"postfix-aliases.cf", "aliases"},
}

// dockerLeft are the files that decide about recipients and are not read, each with the
// reason. Further files of the folder are about senders, quotas, passwords and filters.
var dockerLeft = []struct{ name, why string }{
	{"postfix-regexp.cf", "its patterns are not read: list the addresses that they stand for"},
	{"postfix-receive-access.cf", "it names accounts that get no mail, and is not read: refuse these addresses"},
	{"postfix-main.cf", "its parameters of Postfix are not read: look for those about recipients, such as virtual_alias_maps"},
	{"postfix-master.cf", "its services of Postfix are not read: look for parameters about recipients in it"},
	{"ldap-users.cf", "its mailboxes are in LDAP, which is not read"},
	{"ldap-aliases.cf", "its addresses are in LDAP, which is not read"},
	{"ldap-groups.cf", "its addresses are in LDAP, which is not read"},
	{"ldap-domains.cf", "its domains are in LDAP, which is not read"},
	{"user-patches.sh", "it is a program that may change the configuration, and is not read"},
}

// dockerMailserver reads the configuration folder of docker-mailserver.
func dockerMailserver(dir string, read func(string) ([]byte, error), names func(string) ([]string, error)) (*List, error) {
	all, err := names(dir)
	if err != nil {
		return nil, err
	}
	list, found := &List{}, 0
	for _, file := range dockerFiles {
		if !slices.Contains(all, file.name) {
			continue
		}
		path := filepath.Join(dir, file.name)
		text, err := read(path)
		if err != nil {
			return nil, err
		}
		found++
		list.join(parse(file.kind, path, string(text)))
	}
	if found == 0 {
		return nil, fmt.Errorf("%q has neither %s nor %s nor %s: name the folder with docker-mailserver's files", dir, dockerFiles[0].name, dockerFiles[1].name, dockerFiles[2].name)
	}
	for _, file := range dockerLeft {
		if !slices.Contains(all, file.name) {
			continue
		}
		path := filepath.Join(dir, file.name)
		text, err := read(path)
		if err != nil {
			return nil, err
		}
		if at := firstLine(string(text)); at > 0 {
			list.Left = append(list.Left, Left{Where: fmt.Sprintf("%s:%d", path, at), Why: file.why})
		}
	}
	if n := sieves(all); n > 0 {
		list.Notes = append(list.Notes, fmt.Sprintf("%s has %s that may send mail on (*.dovecot.sieve), which are not read.", dir, counted(n, "script", "scripts")))
	}
	return list, nil
}

// firstLine returns the number of the first line that is no comment, or 0.
func firstLine(text string) int {
	number := 0
	for whole := range strings.Lines(text) {
		number++
		if begin := trim(whole); begin != "" && begin[0] != '#' {
			return number
		}
	}
	return 0
}

// sieves returns the number of scripts among the names of files.
func sieves(names []string) (n int) {
	for _, name := range names {
		if strings.HasSuffix(name, ".dovecot.sieve") {
			n++
		}
	}
	return n
}

// counted returns a number with its noun.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
