package mcfile

import (
	"path"
	"strings"

	"virtmap/internal/diag"
)

// Checks are all checks of this package.
var Checks = []*diag.Check{checkBlock, checkOther, checkOrder, checkOptional, checkSenders, checkSigned}

var (
	checkBlock = &diag.Check{ID: "VM060", Name: "mc-block", Severity: diag.Error,
		Rule: "A sendmail.mc has a MAILER line and at most one block of virtmap's."}
	checkOther = &diag.Check{ID: "VM061", Name: "mc-other-file", Severity: diag.Error,
		Rule: "A sendmail.mc names the files that the inventory writes, and no others for the same purpose."}
	checkOrder = &diag.Check{ID: "VM062", Name: "mc-order", Severity: diag.Error,
		Rule: "FEATURE lines stand before the first MAILER."}
	checkOptional = &diag.Check{ID: "VM063", Name: "mc-optional-map", Severity: diag.Warning,
		Rule: "The virtusertable is not optional: a map that is missing must not count as empty."}
	checkSenders = &diag.Check{ID: "VM064", Name: "mc-senders", Severity: diag.Error,
		Rule: "A Local_check_mail, a Local_check_rcpt and a check of From: that a sendmail.mc has already ask the rulesets for senders too."}
	checkSigned = &diag.Check{ID: "VM065", Name: "mc-signed-then-rewritten", Severity: diag.Error,
		Rule: "A sendmail.mc has no genericstable beside a milter that signs."}
)

// The first and the last line of our block.
const (
	blockBegin = "dnl >>> virtmap: this block is kept by \"virtmap build --config\"; edit the inventory instead\n"
	blockEnd   = "dnl <<< virtmap\n"
)

// The beginnings of these lines, by which the block is found.
const (
	beginMark = "dnl >>> virtmap"
	endMark   = "dnl <<< virtmap"
)

// Edit returns the text of a sendmail.mc with the missing lines in a marked block before
// the first MAILER. All other bytes stay as they are. A line that the text has already is
// not in the block, and a line that clashes is a fault.
func Edit(src *diag.Source, s Settings, faults *diag.List) string {
	start, end, ok := findBlock(src, faults)
	if !ok {
		return src.Text
	}
	e := &editor{src: src, s: s, faults: faults, settingsDir: DefaultDir, mapType: "hash", blockStart: start, blockEnd: end}
	// Blanks in place of the block keep the offsets of the source.
	rest := src.Text[:start] + strings.Repeat(" ", end-start) + src.Text[end:]
	calls := scan(rest)
	mailer := firstMailer(calls)
	if mailer < 0 {
		faults.Add(checkBlock.At(src.Pos(0), 1, "there is no MAILER line in this file").
			WithHelp("--mc takes the sendmail.mc of the server, with lines such as MAILER(`local')dnl"))
		return src.Text
	}
	e.defaults(calls)
	e.needed = s.needs(e.settingsDir)
	for _, c := range calls {
		e.look(c, c.at > mailer)
	}
	e.aliasLines(rest)
	e.senders(rest)
	e.signed(calls)
	if e.included {
		return src.Text[:start] + src.Text[end:]
	}
	return e.insert(strings.LastIndexByte(src.Text[:mailer], '\n') + 1)
}

// findBlock returns the place of our block, or the end of the text without a block.
func findBlock(src *diag.Source, faults *diag.List) (start, end int, ok bool) {
	text := src.Text
	start = strings.Index(text, beginMark)
	stray := strings.Index(text, endMark)
	if start < 0 {
		if stray >= 0 {
			faults.Add(checkBlock.At(src.Pos(stray), len(endMark), "the end of a block of virtmap's without its beginning").
				WithHelp("take the line out"))
		}
		return len(text), len(text), stray < 0
	}
	length := strings.Index(text[start:], endMark)
	if length < 0 {
		faults.Add(checkBlock.At(src.Pos(start), len(beginMark), "the beginning of a block of virtmap's without its end").
			WithHelp("write the line \"%s\" behind the block, or take the block out", endMark))
		return 0, 0, false
	}
	end = lineEnd(text, start+length)
	if second := strings.Index(text[end:], beginMark); second >= 0 {
		faults.Add(checkBlock.At(src.Pos(end+second), len(beginMark), "a second block of virtmap's").
			Second(src.Pos(start), "the first one begins here").WithHelp("take one of them out"))
		return 0, 0, false
	}
	return start, end, true
}

// An editor edits one sendmail.mc.
type editor struct {
	src    *diag.Source
	s      Settings
	faults *diag.List

	settingsDir string // MAIL_SETTINGS_DIR
	mapType     string // DATABASE_MAP_TYPE
	needed      [needCount]bool
	included    bool // the file includes virtmap.mc and needs no block

	blockStart, blockEnd int
}

// firstMailer returns the offset of the first MAILER, or -1.
func firstMailer(calls []call) int {
	for _, c := range calls {
		if c.name == "MAILER" && c.args != nil || c.name == "MAILER_DEFINITIONS" {
			return c.at
		}
	}
	return -1
}

// defaults reads the folder and the map type from define lines.
func (e *editor) defaults(calls []call) {
	for _, c := range calls {
		if c.name != "define" {
			continue
		}
		switch c.arg(0) {
		case "MAIL_SETTINGS_DIR":
			e.settingsDir = c.arg(1)
		case "DATABASE_MAP_TYPE":
			e.mapType = c.arg(1)
		}
	}
}

// look checks a call: the file has a line that it needs, or one that clashes.
func (e *editor) look(c call, behindMailer bool) {
	switch {
	case (c.name == "include" || c.name == "sinclude") && path.Clean(c.arg(0)) == e.s.MailDir+"/"+Include:
		e.included = true
		e.checkOrder(c, behindMailer)
	case c.name == "FEATURE" && c.arg(0) == "use_cw_file":
		e.takeOver(c, needCWFeature, behindMailer)
	case c.name == "FEATURE" && c.arg(0) == "virtusertable":
		e.table(c)
		e.takeOver(c, needTable, behindMailer)
	case c.name == "define" && c.arg(0) == "confCW_FILE":
		e.cwFile(c)
	case c.name == "RELAY_DOMAIN_FILE" && e.samePath(c.arg(0), RelayDomains):
		e.needed[needRelay] = false
	}
}

// takeOver records that the file has the line of a need.
func (e *editor) takeOver(c call, n need, behindMailer bool) {
	e.needed[n] = false
	e.checkOrder(c, behindMailer)
}

func (e *editor) checkOrder(c call, behindMailer bool) {
	if behindMailer {
		e.faults.Add(checkOrder.At(e.src.Pos(c.at), c.end-c.at, "this %s stands behind a MAILER line, and m4 complains of it and goes on", c.name).
			WithHelp("move the line before the first MAILER"))
	}
}

// samePath reports whether a value names our file.
func (e *editor) samePath(written, name string) bool {
	fields := strings.Fields(written)
	for _, field := range fields {
		if strings.HasPrefix(field, "/") {
			return path.Clean(field) == e.s.MailDir+"/"+name
		}
	}
	return false
}

// cwFile checks define(`confCW_FILE', `[-o] path [%format]').
func (e *editor) cwFile(c call) {
	if e.samePath(c.arg(1), HostNames) {
		e.needed[needCWFile] = false
		return
	}
	e.faults.Add(checkOther.At(e.src.Pos(c.at), c.end-c.at, "class w is read from another file here").
		WithHelp("change the line to: %s", strings.TrimSuffix(e.s.line(needCWFile), "\n")))
}

// table checks FEATURE(`virtusertable', `type [options] path[.db]').
func (e *editor) table(c call) {
	spec := c.arg(1)
	if spec == "" {
		spec = e.mapType + " " + strings.TrimRight(e.settingsDir, "/") + "/" + Virtusertable
	}
	options, rest := mapOptions(spec)
	_, want := mapOptions(e.s.MapSpec())
	at, size := e.src.Pos(c.at), c.end-c.at
	line := strings.TrimSuffix(e.s.line(needTable), "\n")
	switch {
	case rest != want || e.s.Map == "text" && !sameTextOptions(options):
		e.faults.Add(checkOther.At(at, size, "this names another table: %q", spec).
			WithHelp("change the line to: %s", line))
	case strings.Contains(" "+options+" ", " -o "):
		e.faults.Add(checkOptional.At(at, size, "with -o a missing virtusertable counts as empty, and mail for every virtual address falls through to local accounts").
			WithHelp("change the line to: %s", line))
	}
}

// mapOptions divides the specification of a map into its options, and its type and path.
// The path loses its suffix.
func mapOptions(spec string) (options, typeAndPath string) {
	var opts, rest []string
	for _, field := range strings.Fields(spec) {
		if strings.HasPrefix(field, "-") {
			opts = append(opts, field)
			continue
		}
		if strings.HasPrefix(field, "/") {
			field = path.Clean(strings.TrimSuffix(strings.TrimSuffix(field, ".db"), ".cdb"))
		}
		rest = append(rest, field)
	}
	return strings.Join(opts, " "), strings.Join(rest, " ")
}

// sameTextOptions reports whether options have those that we write for a text.
func sameTextOptions(options string) bool {
	left := strings.Fields(options)
	for _, want := range []string{"-k0", "-v1", `-z\t`} {
		found := false
		for _, option := range left {
			found = found || option == want
		}
		if !found {
			return false
		}
	}
	return true
}

// aliasLines finds our alias file in an O line.
func (e *editor) aliasLines(text string) {
	for line := range strings.Lines(text) {
		value, ok := strings.CutPrefix(strings.TrimSpace(line), "O AliasFile=")
		if ok && strings.TrimSpace(value) == e.s.AliasSpec() {
			e.needed[needAliases] = false
		}
	}
}

// insert returns the text with the new block at the offset at, and without the old
// block. The offset is one of the source.
func (e *editor) insert(at int) string {
	text := e.src.Text
	block := ""
	if lines := e.s.lines(e.needed); lines != "" {
		block = blockBegin + lines + blockEnd
	}
	if e.blockEnd <= at {
		return text[:e.blockStart] + text[e.blockEnd:at] + block + text[at:]
	}
	return text[:at] + block + text[at:e.blockStart] + text[e.blockEnd:]
}
