package program

import (
	"regexp"
	"slices"
	"strings"
)

// Text returns the text of a configuration, for an Exim that reads it.
func (c *Configuration) Text() []byte {
	var out strings.Builder
	section := ""
	for i := range c.Blocks {
		b := &c.Blocks[i]
		if b.Section != section {
			section = b.Section
			out.WriteString("\nbegin " + section + "\n")
		}
		if b.Name != "" {
			out.WriteString("\n" + b.Name + ":\n")
		}
		for _, line := range b.Lines {
			out.WriteString(line + "\n")
		}
	}
	return []byte(out.String())
}

// Set sets a main option or a list, before all others.
func (c *Configuration) Set(name, value string) {
	main := &c.Blocks[0]
	main.Lines = slices.DeleteFunc(main.Lines, func(line string) bool {
		found, _ := option(line)
		return found == name || found == "no_"+name || found == "not_"+name
	})
	main.Lines = slices.Insert(main.Lines, 0, name+" = "+value)
}

// Replace replaces a text in all lines.
func (c *Configuration) Replace(old, with string) {
	for i := range c.Blocks {
		for j, line := range c.Blocks[i].Lines {
			c.Blocks[i].Lines[j] = strings.ReplaceAll(line, old, with)
		}
	}
}

// Remove removes a block, and returns the place where it was; -1 if there is none.
func (c *Configuration) Remove(section, name string) (at int) {
	at = slices.IndexFunc(c.Blocks, func(b Block) bool { return b.Section == section && b.Name == name })
	if at >= 0 {
		c.Blocks = slices.Delete(c.Blocks, at, at+1)
	}
	return at
}

// Begin returns the place of the first block of a section, and End the place behind its
// last one. A section that is missing is added.
func (c *Configuration) Begin(section string) int {
	c.add(section)
	return 1 + slices.IndexFunc(c.Blocks, func(b Block) bool { return b.Section == section })
}

// End returns the place behind the last block of a section.
func (c *Configuration) End(section string) int {
	at := c.Begin(section)
	for at < len(c.Blocks) && c.Blocks[at].Section == section {
		at++
	}
	return at
}

// add adds a section that is missing.
func (c *Configuration) add(section string) {
	if !slices.ContainsFunc(c.Blocks, func(b Block) bool { return b.Section == section }) {
		c.Blocks = append(c.Blocks, Block{Section: section})
	}
}

// Insert inserts blocks at a place.
func (c *Configuration) Insert(at int, blocks ...Block) {
	c.Blocks = slices.Insert(c.Blocks, at, blocks...)
}

// apart are the options of an Exim that answers beside the one that runs: its files are in
// a folder of its own, it has no certificate, and a session may have many messages.
var apart = map[string]string{
	"spool_directory": "%SPOOL%", "log_file_path": "%SPOOL%/%slog", "pid_file_path": "%SPOOL%/exim.pid",
	"tls_advertise_hosts": "", "host_lookup": "", "rfc1413_query_timeout": "0s", "dns_retrans": "1s", "dns_retry": "1",
	"smtp_accept_max_nonmail": "1000000", "smtp_accept_max_per_connection": "100000", "smtp_max_unknown_commands": "1000",
}

// Apart changes a configuration of a server for an Exim that answers beside it, and asks no
// DNS about the domains of recipients: every host is 192.0.2.1 (RFC 5737).
func (c *Configuration) Apart(spool string) {
	for name, value := range apart {
		c.Set(name, strings.ReplaceAll(value, "%SPOOL%", spool))
	}
	for i := range c.Blocks {
		if c.Blocks[i].Section == "routers" {
			c.Blocks[i].byAddress()
		}
	}
}

// dnsOnly finds the options that only the driver dnslookup has, or that would leave out
// the address.
var dnsOnly = regexp.MustCompile(`^((no_|not_)?(check_secondary_mx|qualify_single|rewrite_headers|search_parents)\b|` +
	`(check_srv|fail_defer_domains|ipv4_only|ipv4_prefer|mx_domains|mx_fail_domains|srv_fail_domains|widen_domains|ignore_target_hosts)\b)`)

// route finds a rule of route_list whose hosts are one name.
var route = regexp.MustCompile(`^(\s*\S+\s+)([^\s";$]+)(.*)$`)

// byAddress changes a router, so that it routes to an address instead of a name.
func (b *Block) byAddress() {
	driver, _ := b.Option("driver")
	switch driver {
	case "dnslookup":
		b.Lines = slices.DeleteFunc(b.Lines, dnsOnly.MatchString)
		for i, line := range b.Lines {
			if name, _ := option(line); name == "driver" {
				b.Lines[i] = "driver = manualroute"
			}
		}
		b.Lines = append(b.Lines, "route_list = * 192.0.2.1")
	case "manualroute":
		for i, line := range b.Lines {
			name, value := option(line)
			switch rule := route.FindStringSubmatch(value); {
			case name == "route_list" && rule != nil && !strings.Contains(value, ";"):
				b.Lines[i] = "route_list = " + rule[1] + "192.0.2.1"
			case name == "route_data" && !strings.HasPrefix(value, `"`):
				b.Lines[i] = "route_data = ${if eq{" + value + "}{}{}{192.0.2.1}}"
			}
		}
	}
}
