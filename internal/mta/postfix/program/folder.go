package program

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// etc is the configuration folder of the instance.
func (o Options) etc() string { return filepath.Join(o.Folder, "etc") }

// logPath is the log of the instance. It is there from the beginning, because postlogd(8)
// makes it only when it has a first line.
func (o Options) logPath() string { return filepath.Join(o.Folder, "log", "mail.log") }

// queues are the folders of the queue that belong to mail_owner alone.
var queues = strings.Fields("active bounce corrupt defer deferred flush hold incoming private saved trace")

type folder struct {
	name     string
	uid, gid int
	mode     fs.FileMode
}

// build fills the folder of an instance. master is the text of its master.cf.
func (o Options) build(main *mainCF, master []byte) error {
	owner, group, err := o.owners(main)
	if err != nil {
		return err
	}
	folders := []folder{
		{"etc", 0, 0, 0o755}, {"log", 0, 0, 0o755}, {"home", 0, 0, 0o755}, {"spool", 0, 0, 0o777 | fs.ModeSticky},
		{"data", owner, 0, 0o700}, {"queue", 0, 0, 0o755}, {"queue/pid", 0, 0, 0o755},
		{"queue/maildrop", owner, group, 0o730}, {"queue/public", owner, group, 0o710},
	}
	for _, name := range queues {
		folders = append(folders, folder{"queue/" + name, owner, 0, 0o700})
	}
	for _, f := range folders {
		path := filepath.Join(o.Folder, f.name)
		if err := errors.Join(os.MkdirAll(path, 0o755), os.Chown(path, f.uid, f.gid), os.Chmod(path, f.mode)); err != nil {
			return err
		}
	}
	if o.Root.meta == "" {
		if err := o.Root.writeMeta(o.etc()); err != nil {
			return err
		}
	}
	return errors.Join(os.WriteFile(o.logPath(), nil, 0o644), main.write(filepath.Join(o.etc(), "main.cf")),
		os.WriteFile(filepath.Join(o.etc(), "master.cf"), master, 0o644))
}

// newFolder makes the folder itself, which must be new or empty, in a place that every
// user may enter.
func (o Options) newFolder() error {
	if !filepath.IsAbs(o.Folder) {
		return fmt.Errorf("the folder %q is not an absolute path", o.Folder)
	}
	if err := os.MkdirAll(o.Folder, 0o755); err != nil {
		return err
	}
	files, err := os.ReadDir(o.Folder)
	if err != nil {
		return err
	}
	if len(files) > 0 {
		return fmt.Errorf("the folder %q is not empty", o.Folder)
	}
	err = errors.Join(os.Chmod(o.Folder, 0o755), enterable(filepath.Dir(o.Folder)))
	if err != nil {
		_ = os.Remove(o.Folder) // the error is what counts
	}
	return err
}

// enterable returns an error that names the first folder of a path that other users
// cannot enter: the daemons of Postfix run as the user postfix.
func enterable(dir string) error {
	if above := filepath.Dir(dir); above != dir {
		if err := enterable(above); err != nil {
			return err
		}
	}
	info, err := os.Stat(dir)
	if err == nil && info.Mode()&0o001 == 0 {
		err = fmt.Errorf("the user postfix cannot enter the folder %q (mode %04o)", dir, info.Mode().Perm())
	}
	return err
}

// Numbers of the users and groups in private accounts.
const (
	postfixID  = 899 // where the machine has no user postfix
	postdropID = 898
	accountsID = 20000 // of the first account, and the group of all
)

// owners returns the uid of mail_owner and the gid of setgid_group.
func (o Options) owners(main *mainCF) (uid, gid int, err error) {
	uid, err = o.number(main.value("mail_owner", "postfix"), postfixID, func(name string) (string, error) {
		u, err := user.Lookup(name)
		if err != nil {
			return "", err
		}
		return u.Uid, nil
	})
	if err != nil {
		return 0, 0, fmt.Errorf("postfix needs its user: %w", err)
	}
	gid, err = o.number(main.value("setgid_group", "postdrop"), postdropID, func(name string) (string, error) {
		g, err := user.LookupGroup(name)
		if err != nil {
			return "", err
		}
		return g.Gid, nil
	})
	if err != nil {
		return 0, 0, fmt.Errorf("postfix needs its group: %w", err)
	}
	return uid, gid, nil
}

// number returns the number of a user or group of the machine. Private accounts have a
// number for those that the machine does not have.
func (o Options) number(name string, private int, find func(string) (string, error)) (int, error) {
	text, err := find(name)
	if err != nil && o.Accounts != nil {
		return private, nil
	}
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(text)
}

// writeAccounts writes the private passwd and group: the system's users that Postfix
// needs, and the accounts.
func (o Options) writeAccounts(main *mainCF) error {
	owner := main.value("mail_owner", "postfix")
	users, err := rows("/etc/passwd")
	if err != nil {
		return err
	}
	groups, err := rows("/etc/group")
	if err != nil {
		return err
	}
	users = slices.DeleteFunc(users, func(row string) bool {
		return !slices.Contains([]string{"root", "daemon", "nobody", owner}, nameOf(row))
	})
	users = with(users, fmt.Sprintf("%s:x:%d:%d::/nonexistent:/bin/false", owner, postfixID, postfixID))
	groups = with(groups, fmt.Sprintf("%s:x:%d:", owner, postfixID))
	groups = with(groups, fmt.Sprintf("%s:x:%d:", main.value("setgid_group", "postdrop"), postdropID))
	known := map[string]bool{}
	for _, row := range users {
		known[nameOf(row)] = true
	}
	for i, name := range o.Accounts {
		if !known[name] {
			known[name] = true
			users = append(users, fmt.Sprintf("%s:x:%d:%d::%s:/bin/false", name, accountsID+i, accountsID, filepath.Join(o.Folder, "home", name)))
		}
	}
	write := func(name string, rows []string) error {
		return os.WriteFile(filepath.Join(o.Folder, name), []byte(strings.Join(rows, "\n")+"\n"), 0o644)
	}
	return errors.Join(write("passwd", users), write("group", groups))
}

func nameOf(row string) string {
	name, _, _ := strings.Cut(row, ":")
	return name
}

// with adds a row unless its name is there.
func with(rows []string, row string) []string {
	if slices.ContainsFunc(rows, func(r string) bool { return nameOf(r) == nameOf(row) }) {
		return rows
	}
	return append(rows, row)
}

func rows(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	return strings.Split(strings.TrimSpace(string(text)), "\n"), err
}
