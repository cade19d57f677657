package mcfile

import (
	"cmp"
	"fmt"
	"path"
	"strings"
)

// Configuration gives the lines of sendmail.cf that say where tables are, as m4
// would make them of a sendmail.mc. ours is the virtmap.mc that it may include;
// other files that it includes are not looked at.
func Configuration(text, ours string) string {
	text = withInclude(text, ours)
	defined := map[string]string{"MAIL_SETTINGS_DIR": DefaultDir + "/", "DATABASE_MAP_TYPE": "hash"}
	var out strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&out, format+"\n", args...) }
	var features []call
	for _, c := range scan(text) {
		switch c.name {
		case "define":
			defined[c.arg(0)] = strings.TrimSpace(c.arg(1))
		case "FEATURE":
			features = append(features, c)
		case "DOMAIN":
			if domain := c.arg(0); domain == "generic" || strings.HasPrefix(domain, "debian-m") { // what these files say
				features = append(features, call{name: "FEATURE", args: []string{"use_cw_file"}})
			}
		case "LOCAL_DOMAIN":
			line("Cw%s", c.arg(0))
		case "RELAY_DOMAIN":
			line("CR%s", c.arg(0))
		case "RELAY_DOMAIN_FILE":
			line("FR%s", c.arg(0))
		case "VIRTUSER_DOMAIN":
			line("C{VirtHost}%s", c.arg(0))
		case "VIRTUSER_DOMAIN_FILE":
			line("F{VirtHost}%s", c.arg(0))
		}
	}
	if strings.Contains(out.String(), "{VirtHost}") {
		line("CR$={VirtHost}")
	}
	settings := strings.TrimRight(defined["MAIL_SETTINGS_DIR"], "/")
	for _, macro := range []struct{ name, variable string }{
		{"j", "confDOMAIN_NAME"}, {"L", "LUSER_RELAY"}, {"H", "MAIL_HUB"}, {"S", "SMART_HOST"}, {"R", "LOCAL_RELAY"},
	} {
		if value := defined[macro.variable]; value != "" {
			line("D%s%s", macro.name, value)
		}
	}
	for _, c := range features {
		switch c.arg(0) {
		case "use_cw_file":
			line("Fw%s", cmp.Or(defined["confCW_FILE"], settings+"/"+HostNames))
		case Virtusertable:
			line("Kvirtuser %s", cmp.Or(c.arg(1), defined["DATABASE_MAP_TYPE"]+" "+settings+"/"+Virtusertable))
		case "virtuser_entire_domain":
			line("R<!> $+ < @ $* $={VirtHost} . >")
		}
	}
	for l := range strings.Lines(text) {
		if strings.HasPrefix(l, "O AliasFile=") { // of LOCAL_CONFIG, which stands before the options
			out.WriteString(l)
		}
	}
	line("O AliasFile=%s", cmp.Or(defined["ALIAS_FILE"], path.Join(settings, "aliases")))
	return out.String()
}

// withInclude puts virtmap.mc in the place of the line that includes it.
func withInclude(text, ours string) string {
	for _, c := range scan(text) {
		if (c.name == "include" || c.name == "sinclude") && path.Base(c.arg(0)) == Include {
			return text[:c.at] + ours + text[c.end:]
		}
	}
	return text
}
