package program_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/workshop/peer"
)

// A site is a server from a random seed: a sendmail.mc, its files, and addresses for a
// lookup. All files are in its folder.
type generated struct {
	*rand.Rand
	dir       string
	mc        strings.Builder
	files     map[string]string // by path: texts
	maps      [][2]string       // class and path of maps to make from texts
	names     []string          // names that classes may have, as they are written
	keys      []string          // of rows, and near misses
	addresses []string
}

// Words of classes. An inventory cannot have some of them as names.
var (
	plainNames = []string{"shop.example", "club.example", "Upper.Example", "mail.shop.example", "two.example", "tres.example"}
	oddNames   = []string{"my_host.example", "*.x.example", "bücher.example", "final.example.", "-o.example", "a..b.example", "bare", "[192.0.2.7]"}
	virtNames  = []string{"virt.example", "v2.example", "sub.shop.example", "under.v3.example"}
	relayNames = []string{"backup.example", ".dot.example", "mx.backup2.example", "far.example"}
)

func generate(seed int, dir string) *generated {
	g := &generated{Rand: rand.New(rand.NewPCG(uint64(seed), 3)), dir: dir, files: map[string]string{}}
	g.say("define(`MAIL_SETTINGS_DIR', `%s/')dnl", dir)
	g.say("include(`/usr/share/sendmail/cf/m4/cf.m4')dnl")
	g.say("OSTYPE(`%s')dnl", g.oneOf("linux", "linux", "debian"))
	if g.some(4) {
		g.say("DOMAIN(`generic')dnl")
	}
	for _, feature := range []string{"nocanonify", "accept_unresolvable_domains", "no_default_msa"} {
		g.say("FEATURE(`%s')dnl", feature)
	}
	g.quiet()
	g.say("LOCAL_CONFIG\nCw[127.0.0.1]\ndivert(0)dnl") // an address of the interfaces, which sendmail does not probe here
	if g.some(3) {
		g.say("LOCAL_CONFIG\nDmexample.net\nD{late}late.example\nCw ${late}\ndivert(0)dnl")
		g.names = append(g.names, "late.example")
	}
	g.classW()
	g.classVirtual()
	g.classR()
	g.relays()
	g.aliases()
	g.table()
	g.say("MAILER(`local')dnl\nMAILER(`smtp')dnl")
	g.ask()
	return g
}

func (g *generated) say(format string, args ...any) { fmt.Fprintf(&g.mc, format+"\n", args...) }

// quiet has lines with which sendmail does not use the network and the folders of this
// machine.
func (g *generated) quiet() {
	g.say("define(`confDOMAIN_NAME', `mx1.example.net')dnl")
	for _, option := range [][2]string{
		{"QUEUE_DIR", g.dir + "/queue"}, {"confPID_FILE", g.dir + "/pid"}, {"STATUS_FILE", g.dir + "/statistics"}, {"confHOST_STATUS_DIRECTORY", ""},
		{"confSERVICE_SWITCH_FILE", g.dir + "/service.switch"}, {"confBAD_RCPT_THROTTLE", "0"}, {"confMAX_RCPTS_PER_MESSAGE", "0"},
		{"confDONT_PROBE_INTERFACES", "True"}, {"confTO_IDENT", "0s"}, {"confFORWARD_PATH", ""}, {"confCONTROL_SOCKET_NAME", ""}, {"confPRIVACY_FLAGS", "public"},
	} {
		g.say("define(`%s', `%s')dnl", option[0], option[1])
	}
	g.files[g.dir+"/service.switch"] = "hosts files\naliases files\n"
}

func (g *generated) oneOf(all ...string) string { return all[g.IntN(len(all))] }

// some is true in one of n cases.
func (g *generated) some(n int) bool { return g.IntN(n) == 0 }

// pick returns a few of the names.
func (g *generated) pick(all []string, most int) (picked []string) {
	for range 1 + g.IntN(most) {
		picked = append(picked, g.oneOf(all...))
	}
	g.names = append(g.names, picked...)
	return picked
}

// list returns the text of a file of a class, with comments, blanks and several words in a
// line.
func (g *generated) list(all []string, most int) string {
	var out strings.Builder
	for _, name := range g.pick(all, most) {
		switch g.IntN(6) {
		case 0:
			fmt.Fprintf(&out, "# %s\n%s\n", g.oneOf(all...), name)
		case 1:
			fmt.Fprintf(&out, "%s %s # more\n", name, g.pick(all, 1)[0])
		case 2:
			fmt.Fprintf(&out, "\t %s\t%s\n\n", name, g.pick(all, 1)[0])
		case 3:
			fmt.Fprintf(&out, "%s#%s\r\n", name, g.oneOf(all...))
		default:
			fmt.Fprintf(&out, "%s\n", name)
		}
	}
	return out.String()
}

// classFile returns an F line without its F and class.
func (g *generated) classFile(name string, all []string) string {
	path := g.oneOf(g.dir, g.dir+"/more") + "/" + name
	if !g.some(7) {
		g.files[path] = g.list(all, 5)
		return g.oneOf("", "", "-o ") + path + g.oneOf("", " %s", ` %[^\#]`)
	}
	return "-o " + path
}

func (g *generated) classW() {
	all := slices.Concat(plainNames, plainNames, oddNames)
	if !g.some(5) {
		g.say("FEATURE(`use_cw_file')dnl")
	}
	if g.some(2) {
		g.say("define(`confCW_FILE', `%s')dnl", g.classFile("names", all))
	} else {
		g.files[g.dir+"/local-host-names"] = g.list(all, 6)
	}
	for n := range g.IntN(3) {
		g.say("LOCAL_CONFIG\nFw%s\ndivert(0)dnl", g.classFile(fmt.Sprint("names", n), all))
	}
	if g.some(2) {
		g.say("LOCAL_DOMAIN(`%s %s')dnl", g.oneOf(plainNames...), g.oneOf("$j", "mail.$j", "Cw.example", "*.y.example"))
		g.names = append(g.names, "mail.mx1.example.net", "cw.example", "*.y.example")
	}
}

func (g *generated) classVirtual() {
	if g.some(2) {
		return
	}
	if g.some(2) {
		g.say("VIRTUSER_DOMAIN(`%s')dnl", strings.Join(g.pick(virtNames, 2), " "))
	}
	if g.some(2) {
		g.say("VIRTUSER_DOMAIN_FILE(`%s')dnl", g.classFile("virtuser-domains", virtNames))
	}
	if g.some(2) {
		g.say("FEATURE(`virtuser_entire_domain')dnl")
	}
}

func (g *generated) classR() {
	if g.some(3) {
		g.say("RELAY_DOMAIN(`%s')dnl", strings.Join(g.pick(relayNames, 2), " "))
	}
	if g.some(3) {
		g.say("RELAY_DOMAIN_FILE(`%s')dnl", g.classFile("relays", relayNames))
	}
	if g.some(3) {
		g.files[g.dir+"/relay-domains"] = g.list(relayNames, 2) // confCR_FILE
	}
}

// plainRelays are relays for which FEATURE(`preserve_luser_host') has no effect.
var plainRelays = []string{"pass.test", "esmtp:pass.test", "[192.0.2.9]", "esmtp:[192.0.2.9]", "error:nouser:550 gone", "shop.example", "error:None", "smtp:pass.x", "smtp:$j"}

func (g *generated) relays() {
	relays := append([]string{"esmtp:ann@pass.test", "local:daemon", "local:staff", "local:nobodyhere", `error:5.1.1:"550 none, by rule (ok)"`}, plainRelays...)
	keepsHost := g.some(6)
	if keepsHost {
		relays = plainRelays
	}
	for i, macro := range []string{"LUSER_RELAY", "MAIL_HUB", "LOCAL_RELAY", "SMART_HOST"} {
		if g.some([]int{3, 5, 8, 4}[i]) || keepsHost && i == 0 {
			g.say("define(`%s', `%s')dnl", macro, g.oneOf(relays...))
		}
	}
	if keepsHost {
		g.say("FEATURE(`preserve_luser_host')dnl")
	}
	if g.some(4) {
		g.say("LOCAL_USER(`%s')dnl", g.oneOf("root", "root staff", "Daemon"))
	}
	if g.some(6) {
		g.files[g.dir+"/stay"] = "bin\nsys # no\n"
		g.say("LOCAL_USER_FILE(`%s/stay')dnl", g.dir)
	}
	if g.some(6) {
		g.say("FEATURE(`stickyhost')dnl")
	}
}

// aliases names one or two alias files, in one option or two, in both orders.
func (g *generated) aliases() {
	site, more := g.dir+"/aliases", g.dir+"/more/lists"
	g.files[site] = "postmaster: root\nstaff: root, daemon\nboth: nosuch, root\nout: ann@far.example\nlost: nosuch\nself: \\self, bin\nbin: bin, sys\ndeep: staff, both\n"
	g.files[more] = "staff: bin\nplus+*: sys\nplus+x: daemon\nvia: staff@shop.example\nMixed: root\n"
	specs := []string{site, g.oneOf("", "hash:") + more}
	switch g.IntN(5) {
	case 0:
		g.say("define(`ALIAS_FILE', `%s')dnl", strings.Join(specs, ", "))
	case 1:
		g.say("define(`ALIAS_FILE', `%s')dnl", strings.Join([]string{specs[1], specs[0]}, ","))
	case 2:
		g.say("LOCAL_CONFIG\nO AliasFile=%s\ndivert(0)dnl", specs[1])
	case 3:
		g.say("define(`ALIAS_FILE', `stab:%s')dnl", site)
	}
}

// table writes the virtusertable in one of the forms that servers have.
func (g *generated) table() {
	path := g.oneOf(g.dir+"/virtusertable", g.dir+"/more/users")
	switch g.IntN(10) {
	case 0, 1, 2:
		path = g.dir + "/virtusertable"
		g.say("FEATURE(`virtusertable')dnl")
		g.maps = append(g.maps, [2]string{"hash", path})
	case 3, 4:
		g.say("FEATURE(`virtusertable', `hash %s%s')dnl", g.oneOf("", "-o "), path)
		g.maps = append(g.maps, [2]string{"hash", path})
	case 5:
		g.say("FEATURE(`virtusertable', `hash %s.db')dnl", path)
		g.maps = append(g.maps, [2]string{"hash", path})
	case 6:
		g.say("FEATURE(`virtusertable', `btree %s')dnl", path)
		g.maps = append(g.maps, [2]string{"btree", path})
	case 7, 8:
		g.say("FEATURE(`virtusertable', `text -k0 -v1 -z\\t %s')dnl", path)
	case 9:
		g.say("FEATURE(`virtusertable', `hash -o %s/nowhere')dnl", g.dir)
		return
	}
	rows := ""
	for _, domain := range g.pick(slices.Concat(plainNames, virtNames, []string{"a.virt.example", "mx1.example.net", "my_host.example", "late.example"}), 6) {
		for range 1 + g.IntN(3) {
			key := g.oneOf("info", "sales", "info+*", "sales++", "root", "staff", "", "+*", "info+x") + "@" + strings.ToLower(domain)
			if slices.Contains(g.keys, key) {
				continue
			}
			g.keys = append(g.keys, key)
			rows += key + "\t" + g.right() + "\n"
		}
	}
	g.files[path] = rows
}

func (g *generated) right() string {
	return g.oneOf("root", "daemon", "staff", "nosuch", "both", "out", "bin%3", "%1", "ann@far.example", "%1%3@far.example", "info@shop.example", "staff@club.example",
		"x@virt.example", "y@sub.virt.example", "z@backup.example", `error:5.1.1:"550 Ann left"`, "error:nouser 550 gone", "plus+x", "root+x", "lost", "self", "deep", "via", "mixed")
}

// ask makes the addresses: those of rows, addresses that nearly match, and addresses that a
// domain may not list.
func (g *generated) ask() {
	add := func(local, domain string) {
		if domain = strings.TrimPrefix(strings.TrimSuffix(domain, "."), "*."); isASCII(domain) && domain != "" {
			g.addresses = append(g.addresses, local+"@"+strings.TrimPrefix(domain, "."))
		}
	}
	for _, key := range g.keys {
		local, domain, _ := strings.Cut(key, "@")
		local = strings.Trim(local, "+*")
		for _, near := range []string{local, local + "+x", local + "+", local + "x"} {
			if near = strings.TrimPrefix(near, "+"); near != "" {
				add(near, domain)
			}
		}
	}
	domains := slices.Concat(g.names, plainNames, virtNames, relayNames, []string{"mx1.example.net", "localhost", "other.example"})
	slices.Sort(domains)
	for _, domain := range slices.Compact(domains) {
		for range 2 {
			add(g.local(), domain)
			add(g.local(), "sub."+domain)
		}
		add("root", domain)
	}
	for range 4 {
		g.addresses = append(g.addresses, g.local())
	}
	g.addresses = append(g.addresses, "root@[127.0.0.1]", "staff%shop.example@club.example")
	slices.Sort(g.addresses)
	g.addresses = slices.Compact(g.addresses)
}

func (g *generated) local() string {
	return g.oneOf("root", "daemon", "Root", "nosuch", "nosuch+x", "root+x", "staff", "staff+y", "both", "out", "lost", "self", "bin", "sys", "deep", "plus+x", "plus+y", "plus", "via", "mixed", "info", "postmaster", `"nosuch"`, `"a b"`)
}

func isASCII(text string) bool {
	return strings.IndexFunc(text, func(c rune) bool { return c > 126 }) < 0
}

// write writes all files and returns the path of the sendmail.cf.
func (g *generated) write(t *testing.T, cf func(mc string) ([]byte, error)) string {
	t.Helper()
	for _, dir := range []string{g.dir + "/more", g.dir + "/queue", g.dir + "/alone"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	text, err := cf(g.mc.String())
	if err != nil {
		t.Fatalf("%v\n%s", err, g.mc.String())
	}
	path := filepath.Join(g.dir, "sendmail.cf")
	g.files[path], g.files[g.dir+"/alone/sendmail.mc"] = string(text), g.mc.String()
	for path, text := range g.files {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range g.maps {
		peer.Run(t, g.files[m[1]], "makemap", m[0], m[1])
	}
	return path
}
