package mcfile

import "strings"

// Names of the files for mail that is sent.
const (
	Senders  = "virtmap-senders"
	Generics = "virtmap-generics"
	Submit   = "virtmap-submit.mc"
)

// spec returns the class, the flags and the path of a map of the set, as a K line has
// them.
func (s Settings) spec(name, flags string) string {
	path := s.MailDir + "/" + name
	if flags != "" {
		path = flags + " " + path
	}
	if s.Map == "text" {
		return `text -k0 -v1 -z\t ` + path
	}
	return s.Map + " " + path
}

// Names in the lines for senders.
const (
	SenderMap   = "vmsender"
	StoreMap    = "vmstore"          // of the class macro: values that rulesets set
	MailRuleset = "VirtmapCheckMail" // for an address of MAIL FROM
	RcptRuleset = "VirtmapCheckRcpt" // for the same address, at RCPT TO
	FromRuleset = "VirtmapFrom"      // for a From: field
	EndRuleset  = "VirtmapCheckEnd"  // behind the last field
)

// A Hook is a ruleset of the site that the rulesets of proto.m4 call, and the ruleset of
// virtmap that it must call.
type Hook struct{ Local, Ours string }

// Hooks are called for every message, the last one behind its last field. With FEATURE(`delay_checks'), Debian's default, the
// first is called at RCPT TO, and not at all for users who have logged in (cf/README).
var Hooks = [...]Hook{{"Local_check_mail", MailRuleset}, {"Local_check_rcpt", RcptRuleset}, {"check_eoh", EndRuleset}}

// senderMap returns the K lines of the table of senders, and of the store in which
// VirtmapFrom notes that it was called. A map that cannot be read defers the mail
// (-T<TMPF>), and does not refuse it.
func (s Settings) senderMap() string {
	return "K" + SenderMap + " " + s.spec(Senders, "-T<TMPF>") + "\nK" + StoreMap + " macro\n"
}

// fromLine has the addresses of From: fields checked (cf/README, header checks).
const fromLine = "HFrom: $>" + FromRuleset + "\n"

// SenderRules are the rulesets that look at the address of MAIL FROM and at those of From:
// fields. Without a login (${auth_authen}) they look at nothing. The workspace of
// VirtmapSender is "login $| user < @ host . >". It tries login:user+detail@host,
// login:user@host and login:@host, without the realm of the login. Quotes are taken off
// before, so that "user+detail" has a detail too. A local part with one of @ , ; : could be
// read as two addresses, and is refused. VirtmapFrom collects the answers of VirtmapOneFrom,
// which asks for each address between the commas.
//
// sendmail calls no ruleset for a field that it cannot read, such as one with a word of more
// than 255 bytes. VirtmapCheckEnd refuses a message of a login for which VirtmapFrom was not
// called, and so a message without From: too.
const SenderRules = `SVirtmapSender
R$* $| $* < @ $* . >	$1 $| $2 < @ $3 >
R$+ @ $+ $| $*	$1 $| $3
R$+ $| $+ < @ $+ >	$: $1 $| $(dequote $2 $) < @ $3 >
R$+ $| $* @ $* < @ $+ >	$@ NO
R$+ $| $* , $* < @ $+ >	$@ NO
R$+ $| $* ; $* < @ $+ >	$@ NO
R$+ $| $* : $* < @ $+ >	$@ NO
R$+ $| $+ < @ $+ >	$: $1 $| $2 < @ $3 > $(vmsender $1:$2@$3 $: NO $)
R$+ $| $+ + $* < @ $+ > NO	$: $1 $| $2 < @ $4 > $(vmsender $1:$2@$4 $: NO $)
R$+ $| $+ < @ $+ > NO	$: $1 $| $2 < @ $3 > $(vmsender $1:@$3 $: NO $)
R$* > OK	$@ OK
R$* <TMPF>	$@ TEMP
R$*	$@ NO
SVirtmapCheckMail
R$*	$: <$&{auth_authen}> $1 $(vmstore {VirtmapFrom} $)
R<> $*	$@ OK
R<$+> <>	$@ OK
R<$+> $*	$: $1 $| $>canonify $2
R$+ $| $*	$: $>VirtmapSender $1 $| $2
RTEMP	$#error $@ 4.3.0 $: "451 the table of senders cannot be read"
RNO	$#error $@ 5.7.1 $: "553 this login may not send from this address"
R$*	$@ OK
SVirtmapCheckRcpt
R$*	$@ $>VirtmapCheckMail <$&f>
SVirtmapFrom
R$*	$: <$&{auth_authen}> $1 , $(vmstore {VirtmapFrom} $@ read $)
R<> $*	$@ OK
R<$+> $* , $*	<$1> $3 $| $>VirtmapOneFrom $1 $| $2
R$* TEMP $*	$#error $@ 4.3.0 $: "451 the table of senders cannot be read"
R$* NO $*	$#error $@ 5.7.1 $: "553 this login may not write this From: address"
R$*	$@ OK
SVirtmapCheckEnd
R$*	$: <$&{auth_authen}> $&{VirtmapFrom}
R<> $*	$@ OK
R<$+> read	$@ OK
R$*	$#error $@ 5.7.1 $: "553 this login must write one From: field that can be read"
SVirtmapOneFrom
R$+ $|	$@ OK
R$+ $| $*	$: $1 $| $>canonify $2
R$*	$@ $>VirtmapSender $1
`

// calls returns rules that call a ruleset and act on the error that it returns. A ruleset
// of a person begins with them, so that both are asked.
func calls(ruleset string) []string {
	restored := "R$* $| $*\t$1"
	if ruleset == EndRuleset { // its workspace is the number of fields $| their size
		restored = "R$* $| $* $| $*\t$1 $| $2"
	}
	return []string{"R$*\t$: $1 $| $>" + ruleset + " $1", "R$* $| $#$*\t$#$2", restored}
}

// hookLines are the rulesets of Hooks, for a configuration that has none of its own.
func (s Settings) hookLines() (lines string) {
	for i, h := range Hooks {
		if !s.ownHook[i] {
			lines += "S" + h.Local + "\n" + strings.Join(calls(h.Ours), "\n") + "\n"
		}
	}
	return lines
}

// senderLines are the lines for a sendmail.mc. What the file has of its own calls the
// rulesets, and is left out.
func (s Settings) senderLines() string {
	config := s.senderMap()
	if !s.ownFrom {
		config += fromLine
	}
	return "LOCAL_CONFIG\n" + config + "LOCAL_RULESETS\n" + SenderRules + s.hookLines() + "divert(0)dnl\n"
}

// SubmitLines returns the lines for submit.mc, with which the sendmail command writes the
// addresses of virtmap-generics. host is the server's own name. The map stays in class G of
// this name alone: an address that a program wrote itself is not touched.
func (s Settings) SubmitLines(host string) string {
	return "FEATURE(`genericstable', `" + s.spec(Generics, "") + "')dnl\n" +
		"GENERICS_DOMAIN(`" + host + "')dnl\n" +
		"FEATURE(`masquerade_envelope')dnl\n"
}

// SubmitText returns the content of virtmap-submit.mc. Without rewrite it has no lines.
func SubmitText(s Settings, host, inventoryName string, rewrite bool) []byte {
	lines := ""
	if rewrite {
		lines = s.SubmitLines(host)
	}
	return []byte("dnl Written by virtmap from " + quoteless(inventoryName) + "; changes made here are lost at the next build.\n" +
		"dnl In submit.mc, on a line before FEATURE(`msp'):\n" +
		"dnl " + s.SubmitInclude() + "\n" + lines)
}

// SubmitInclude is the line of submit.mc that includes virtmap-submit.mc.
func (s Settings) SubmitInclude() string { return "include(`" + s.MailDir + "/" + Submit + "')dnl" }
