package sendmail

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/regular"
	"virtmap/virtuser"
)

// A tableFile is a table that is read. suffix is the suffix of its map; it is empty if
// the text itself is read.
type tableFile struct{ text, suffix string }

// A Copied is a copy of a set in another folder. The files have the names that builds
// use.
type Copied struct {
	Settings mcfile.Settings // for the lines of sendmail.mc
	Site     []string        // the server's own alias files, in the form of the option AliasFile
}

// CopyTo copies the files that the set reads into an empty folder. Maps are copied byte
// for byte. If the virtusertable has no map of the right type, CopyTo makes one from
// its rows.
func (s *Installed) CopyTo(dir string) (c Copied, err error) {
	typ, known := mapfile.ByName(s.MapType())
	if !known {
		return c, fmt.Errorf("map type %q", s.MapType())
	}
	c.Settings = mcfile.Settings{MailDir: dir, Map: typ.Name, Relay: len(s.relayed) > 0}
	own := filepath.Join(dir, mcfile.Aliases)
	if s.own == nil {
		if err = writeMap(own, typ, new(virtuser.Aliases).MapRows()); err != nil {
			return c, err
		}
	}
	for _, table := range s.tables {
		name := filepath.Join(dir, fmt.Sprintf("site-aliases-%d", len(c.Site)))
		switch {
		case table.text == s.text && s.rows == nil:
			continue // written below
		case table.text == s.text:
			name = filepath.Join(dir, mcfile.Virtusertable)
		case table.text == s.ownText:
			name = own
		case table.suffix == ".cdb":
			c.Site = append(c.Site, "cdb:"+name)
		default:
			c.Site = append(c.Site, name)
		}
		if err := CopyFile(s.at(table.text+table.suffix), name+table.suffix); err != nil {
			return c, err
		}
	}
	if s.rows == nil {
		table, err := s.Table()
		if err == nil {
			err = writeMap(filepath.Join(dir, mcfile.Virtusertable), typ, table)
		}
		if err != nil {
			return c, err
		}
	}
	for name, lines := range map[string][]string{mcfile.HostNames: s.names, mcfile.RelayDomains: s.relayed} {
		lines = slices.Sorted(slices.Values(lines))
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.Join(append(lines, ""), "\n")), 0o644); err != nil {
			return c, err
		}
	}
	return c, nil
}

// CopyFile copies a regular file of any size.
func CopyFile(from, to string) error {
	file, err := regular.Open(from)
	if err != nil {
		return err
	}
	defer file.Close()
	copied, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(copied, file)
	return errors.Join(err, copied.Close())
}

// writeMap writes rows as a map, or as text with tabs if the type has no map.
func writeMap(text string, typ mapfile.Type, rows mapfile.Rows) error {
	file, err := os.OpenFile(text+typ.Suffix, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	if typ.Write != nil {
		return errors.Join(typ.Write(file, rows), file.Close())
	}
	for i := range rows.Len() {
		key, value := rows.Row(i)
		if _, err = fmt.Fprintf(file, "%s\t%s\n", key, value); err != nil {
			break
		}
	}
	return errors.Join(err, file.Close())
}
