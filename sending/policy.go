package sending

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"virtmap/internal/mailaddr"
)

// A Policy is an MTA-STS policy (RFC 8461 3.2).
type Policy struct {
	Mode   string   // "enforce", "testing" or "none"
	MX     []string // names of hosts, in lower case; "*.fakemail.example" matches one label
	MaxAge int      // seconds
}

// maxAge is the largest max_age of a policy, in seconds (RFC 8461 3.2).
const maxAge = 31557600

// ParsePolicy reads an MTA-STS policy, and returns its mistakes. With a mistake, senders
// ignore the policy.
func ParsePolicy(text string) (Policy, []string) {
	var p Policy
	var mistakes []string
	wrong := func(format string, args ...any) { mistakes = append(mistakes, fmt.Sprintf(format, args...)) }
	seen := map[string]string{}
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimRight(line, "\r\n \t")
		if line == "" {
			continue
		}
		key, value, found := strings.Cut(line, ":")
		value = strings.Trim(value, " \t")
		switch _, twice := seen[key]; {
		case !found:
			wrong("line %d %q has no colon", n, line)
		case key == "mx":
			p.MX = append(p.MX, mailaddr.Lower(value))
		case !twice: // of the others, the first counts
			seen[key] = value
		}
	}
	if version, ok := seen["version"]; version != "STSv1" {
		wrong("version: STSv1 is missing%s", instead(version, ok))
	}
	p.Mode = seen["mode"]
	if mode, ok := seen["mode"]; !slices.Contains([]string{"enforce", "testing", "none"}, mode) {
		wrong("mode: is not enforce, testing or none%s", instead(mode, ok))
	}
	age, ok := seen["max_age"]
	seconds, err := strconv.ParseUint(age, 10, 32)
	if p.MaxAge = int(seconds); err != nil || seconds > maxAge {
		wrong("max_age: is no number of seconds up to %d%s", maxAge, instead(age, ok))
	}
	if len(p.MX) == 0 && p.Mode != "none" {
		wrong("it has no mx:")
	}
	for _, name := range p.MX {
		if _, problem := mailaddr.FoldDomain(strings.TrimPrefix(name, "*.")); problem != nil {
			wrong("mx: %s is no name of a host", name)
		}
	}
	return p, mistakes
}

func instead(value string, ok bool) string {
	if !ok {
		return ""
	}
	return fmt.Sprintf("; it is %.40q", value)
}

// Lists reports whether a policy lists a host. A wildcard stands for one label (RFC 8461
// 4.1).
func (p *Policy) Lists(host string) bool {
	return slices.ContainsFunc(p.MX, func(name string) bool {
		if under, wild := strings.CutPrefix(name, "*."); wild {
			_, above, found := strings.Cut(host, ".")
			return found && above == under
		}
		return name == host
	})
}
