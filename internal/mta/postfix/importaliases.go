package postfix

import (
	"errors"
	"strings"

	"virtmap/internal/lists"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mta/postfix/table"
	"virtmap/internal/regular"
)

// readAliases reads the names of the alias files: those that main.cf names, or others.
func (s *imported) readAliases(files []string) error {
	for _, file := range files {
		if err := s.readAliasFile(file); err != nil {
			return err
		}
	}
	if len(files) > 0 {
		return nil
	}
	for _, spec := range s.aliasFiles {
		t, err := s.set.opener.Open(spec)
		var unread *table.Unread
		_, path, _ := strings.Cut(strings.TrimPrefix(spec, "proxy:"), ":")
		switch {
		case err == nil && t.Each != nil:
			if err := t.Each(s.addAlias); err != nil {
				return err
			}
		case err == nil:
		case errors.As(err, &unread) && !strings.HasPrefix(path, "/"):
			s.left(", alias_maps: %s is not read; names that it has count as unknown", spec)
		default:
			if err := s.readAliasText(path); err != nil {
				return err
			}
		}
	}
	return nil
}

// addAlias adds a name of an alias file.
func (s *imported) addAlias(name, _ string) bool {
	s.aliases[mailaddr.Lower(name)] = true
	return true
}

// readAliasFile reads the names of a file that a person named: of its text, or of a map.
func (s *imported) readAliasFile(path string) error {
	text, err := regular.ReadIfThere(path)
	if err != nil || text != nil {
		return errors.Join(err, s.aliasNames(path, text))
	}
	opener := &table.Opener{}
	for _, typ := range indexedTypes {
		if t, err := opener.Open(typ + ":" + path); err == nil {
			return errors.Join(t.Each(s.addAlias), opener.Close())
		}
	}
	return opener.Close()
}

// readAliasText reads the names of an alias file without a map.
func (s *imported) readAliasText(path string) error {
	text, err := regular.ReadIfThere(s.site.place(path))
	if err != nil {
		return err
	}
	if text == nil {
		s.warnings = append(s.warnings, path+" is not there; names of its aliases count as unknown (--aliases FILE reads them from elsewhere)")
		return nil
	}
	return s.aliasNames(path, text)
}

// aliasNames adds the names of the text of an alias file.
func (s *imported) aliasNames(path string, text []byte) error {
	list, err := lists.Read("aliases", path, func(string) ([]byte, error) { return text, nil }, nil)
	if err != nil {
		return err
	}
	for _, row := range list.Rows {
		s.addAlias(row.Key, "")
	}
	return nil
}
