package measure

import "strings"

// eximFiles measures how all files of Exim are written from an inventory.
func (b *benchmark) eximFiles() {
	mail := b.path("exim.yaml")
	b.edited(b.path("mail.yaml"), mail, func(line string) string {
		return strings.Replace(line, "host: {", "host: {server: exim, ", 1)
	})
	b.against("YAML to every file of Exim", func(p program) command {
		c := p.build(mail, "exim", "--mx", "off")
		c.clean = []string{p.path("exim")}
		return c
	})
	b.programs[0].build(mail, "exim", "--mx", "off").run(b.t)
	b.unchanged("    the same again, unchanged", mail, "exim", "--mx", "off")
}
