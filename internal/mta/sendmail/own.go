package sendmail

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta/sendmail/conf"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/regular"
)

// OwnConfiguration prepares a copy of the server's own sendmail.cf: it gives the copy
// the paths of the server's files. ok is false if the folder has no sendmail.cf with
// which sendmail can run. If the folder is not the server's own, its files are copied
// into dir, because sendmail reads no file below a folder that every user may write to.
func (l *Layout) OwnConfiguration(c conf.Copy, dir string) (own conf.Copy, ok bool, err error) {
	if l.conf.MC || !l.conf.Rules {
		return c, false, nil
	}
	places := map[string]string{}
	for _, path := range l.conf.Paths() {
		places[path] = path
		if l.live {
			continue
		}
		text := mapfile.WithoutSuffix(path)
		places[path] = filepath.Join(dir, fmt.Sprintf("own-%d-%s", len(places), filepath.Base(text)))
		for _, typ := range readTypes {
			if err := copyIfThere(l.Place(text+typ.Suffix), places[path]+typ.Suffix); err != nil {
				return c, false, err
			}
		}
	}
	c.Move = func(path string) string {
		if place, known := places[filepath.Clean(path)]; known {
			return place
		}
		return path
	}
	c.There = func(path string) bool {
		for _, typ := range readTypes {
			if isThere(path + typ.Suffix) {
				return true
			}
		}
		return false
	}
	return c, true, nil
}

// WithBuilt makes a copy of the server's own sendmail.cf name the files of a build in a
// folder.
func (b Build) WithBuilt(c conf.Copy, dir string) conf.Copy {
	settings := b.Settings()
	settings.MailDir = dir
	c.Table, c.Names = settings.MapSpec(), filepath.Join(dir, mcfile.HostNames)
	lines := []string{settings.CFLine(mcfile.Aliases)}
	if settings.Relay {
		lines = append(lines, settings.CFLine(mcfile.RelayDomains))
	}
	c.Lines = append(lines, c.Lines...)
	return c
}

// copyIfThere copies a file. A missing file is no error.
func copyIfThere(from, to string) error {
	content, err := regular.Read(from, regular.NoLimit)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o644)
}
