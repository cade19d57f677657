package postfix

import (
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/regular"
)

// origin returns the value of myorigin, in lower case. A path stands for the first line of
// the file, as on Debian; empty: the file cannot be read.
func (c *configuration) origin() string {
	value := c.config.Param("myorigin")
	if !strings.HasPrefix(value, "/") {
		return mailaddr.Lower(value)
	}
	text, err := regular.Read(c.place(value), regular.MaxBytes)
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(text), "\n")
	return mailaddr.Lower(strings.TrimSpace(first))
}
