package postfix

import (
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/regular"
)

// firstLine returns the first line of a file, without blanks around it; empty if there is
// no such file.
func firstLine(path string) (string, error) {
	text, err := regular.ReadIfThere(path)
	first, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	return strings.TrimSpace(first), err
}

// myorigin returns the value of myorigin, in lower case. A path stands for the first line of
// the file, as on Debian; empty: the file cannot be read.
func (c *configuration) myorigin() string {
	value := c.config.Param("myorigin")
	if strings.HasPrefix(value, "/") {
		value, _ = firstLine(c.place(value)) // with an error the value is empty
	}
	return mailaddr.Lower(value)
}

// readOrigin gives myorigin its value if main.cf has the path of a file there, as Debian's
// packages do: the first line of the file. In a copy of a server's folder without the file,
// the value is the built-in one.
func (l *layout) readOrigin() error {
	path := l.config.Param("myorigin")
	if !strings.HasPrefix(path, "/") {
		return nil
	}
	first, err := firstLine(l.place(path))
	switch {
	case err != nil:
		return err
	case first != "":
		l.config = l.config.Apply([]byte("\nmyorigin = " + strings.ReplaceAll(first, "$", "$$") + "\n"))
	case !l.live: // every program of a live Postfix ends here
		l.config = l.config.Apply([]byte("\nmyorigin = $myhostname\n"))
	}
	return nil
}
