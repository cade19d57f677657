package maincf

import (
	"path"
	"strings"
)

// A scope is where a parameter is looked up: the service, then main.cf, then the built-in
// values.
type scope struct {
	config  *Config
	service *Service // nil: none
}

// param returns the expanded value of a parameter.
func (s scope) param(name string) string {
	value, _ := s.expanded(name)
	return value
}

// expanded returns the expanded value of a parameter, and what is wrong with it.
func (s scope) expanded(name string) (value, fault string) {
	value, _ = s.lookup(name)
	if raw[name] {
		return value, ""
	}
	e := expander{lookup: s.lookup}
	value = e.expand(value, 0)
	if e.fault != "" {
		return "", e.fault
	}
	return value, ""
}

// lookup returns the value of a parameter as it is set, or the built-in value.
func (s scope) lookup(name string) (string, bool) {
	if value, ok := s.set(name); ok {
		return value, true
	}
	switch name {
	case "config_directory":
		return s.config.dir, true
	case "myhostname":
		return s.hostname(), true
	case "mydomain":
		return s.domain(), true
	}
	if value, ok := s.config.BuiltIn[name]; ok {
		return value, true
	}
	value, ok := defaults[name]
	return value, ok
}

// set returns the value of a parameter that the service or main.cf sets.
func (s scope) set(name string) (string, bool) {
	if s.service != nil {
		if value, ok := s.service.set(name); ok {
			return value, true
		}
	}
	value, _, ok := s.config.Set(name)
	return value, ok
}

// set returns the value of a parameter that is set for the processes of a service.
func (s *Service) set(name string) (value string, ok bool) {
	switch name {
	case "process_name":
		return path.Base(s.Command), true
	case "service_name":
		return s.Name, true
	}
	for _, o := range s.Overrides {
		if o.Name == name {
			value, ok = o.Value, true
		}
	}
	return value, ok
}

// localDomain is the domain of a host whose name has no dot.
const localDomain = "localdomain"

// hostname returns the built-in value of myhostname. When Postfix works it out, built-in
// values are not known yet.
func (s scope) hostname() string {
	host := s.config.Hostname
	if host == "" || strings.Contains(host, ".") {
		return host
	}
	if domain, ok := s.setAndExpanded("mydomain"); ok {
		return host + "." + domain
	}
	return host + "." + localDomain
}

// domain returns the built-in value of mydomain: what follows the first dot of myhostname.
func (s scope) domain() string {
	host, ok := s.setAndExpanded("myhostname")
	if !ok {
		host = s.config.Hostname
	}
	if _, domain, ok := strings.Cut(host, "."); ok {
		return domain
	}
	return localDomain
}

// setAndExpanded returns the value of a parameter that is set, in which built-in values are
// empty.
func (s scope) setAndExpanded(name string) (string, bool) {
	value, ok := s.set(name)
	e := expander{lookup: s.set}
	return e.expand(value, 0), ok
}

// maxChecks is the most references that checkValues follows.
const maxChecks = 1_000_000

// checkValues finds values that cannot be expanded.
func (c *Config) checkValues() {
	s := scope{config: c}
	left := maxChecks
	for i, entry := range c.entries {
		if c.last[entry.Name] != i || raw[entry.Name] || !strings.Contains(entry.Value, "$") {
			continue
		}
		e := expander{lookup: s.lookup}
		e.expand(entry.Value, 0)
		if e.fault != "" {
			c.problem(entry.Line, true, "the value of "+entry.Name+" cannot be worked out: "+e.fault)
		}
		if left -= e.references; left < 0 {
			return
		}
	}
}
