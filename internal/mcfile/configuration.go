package mcfile

import (
	"cmp"
	"fmt"
	"path"
	"strings"
)

// Configuration gives the lines of sendmail.cf that say where tables are, as m4
// would make them of a sendmail.mc.
func Configuration(text string) string {
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
		case "LOCAL_DOMAIN":
			line("Cw%s", c.arg(0))
		case "VIRTUSER_DOMAIN":
			line("C{VirtHost}%s", c.arg(0))
		case "VIRTUSER_DOMAIN_FILE":
			line("F{VirtHost}%s", c.arg(0))
		}
	}
	settings := strings.TrimRight(defined["MAIL_SETTINGS_DIR"], "/")
	if name := defined["confDOMAIN_NAME"]; name != "" {
		line("Dj%s", name)
	}
	for _, c := range features {
		switch c.arg(0) {
		case "use_cw_file":
			line("Fw%s", cmp.Or(defined["confCW_FILE"], settings+"/"+HostNames))
		case Virtusertable:
			line("Kvirtuser %s", cmp.Or(c.arg(1), defined["DATABASE_MAP_TYPE"]+" "+settings+"/"+Virtusertable))
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
