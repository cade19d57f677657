package mxcheck

import "slices"

// An ID is the name of a kind of finding. An ID never changes, because scripts and
// state files have it.
type ID string

// A Level is the level of a finding or a verdict.
type Level uint8

// The levels, from the lowest to the highest. The finding of the highest level decides
// the verdict.
const (
	OK Level = iota
	Warning
	Unknown
	Error
)

var levelNames = [...]string{"ok", "warning", "unknown", "error"}

func (l Level) String() string { return levelNames[l] }

// ParseLevel parses the name of a level.
func ParseLevel(name string) (Level, bool) {
	i := slices.Index(levelNames[:], name)
	return Level(max(i, 0)), i >= 0
}

// An Action is what happens to a domain after the check.
type Action uint8

// The actions. See the package comment.
const (
	Write Action = iota // the domain is served
	Keep                // nothing changes: a served domain stays served, a new one waits
	Hold                // a new domain is held back, a served domain is pending
	Relay               // mail for the domain is relayed and never delivered here
)

func (a Action) String() string { return [...]string{"write", "keep", "hold", "relay"}[a] }

// A Rule describes the findings with one id.
type Rule struct {
	ID      ID
	Level   Level
	Action  Action
	Basis   string // the RFC, the program or the key of the inventory behind the rule; may be empty
	Meaning string // one sentence
}

// The ids. The ids from DNSTimeout on are the failures of a Resolver.
const (
	OKHere            ID = "mx-ok"
	OKShared          ID = "mx-ok-shared"
	OKImplicit        ID = "mx-ok-implicit"
	OKWithBackup      ID = "mx-ok-with-backup"
	OKBackup          ID = "mx-ok-backup"
	Unchecked         ID = "mx-unchecked"
	AliasDomain       ID = "mx-alias-domain"
	AliasDangling     ID = "mx-alias-dangling"
	AliasLoop         ID = "mx-alias-loop"
	TargetCNAME       ID = "mx-target-cname"
	TargetCNAMELoop   ID = "mx-target-cname-loop"
	TargetIP          ID = "mx-target-ip"
	TargetName        ID = "mx-target-name"
	TargetNXDomain    ID = "mx-target-nxdomain"
	TargetNoAddr      ID = "mx-target-noaddr"
	TargetPartlyDead  ID = "mx-target-partly-dead"
	TargetRelative    ID = "mx-target-relative"
	TargetPrivate     ID = "mx-target-private"
	TargetMixedAddr   ID = "mx-target-mixed-addr"
	TargetV6Only      ID = "mx-v6-only"
	BackupOnly        ID = "mx-backup-only"
	BackupBest        ID = "mx-backup-best"
	Elsewhere         ID = "mx-elsewhere"
	Lookalike         ID = "mx-lookalike"
	Null              ID = "mx-null"
	NullPref          ID = "mx-null-pref"
	NullMixed         ID = "mx-null-mixed"
	NoneNoAddr        ID = "mx-none-noaddr"
	NoneAddrElsewhere ID = "mx-none-addr-elsewhere"
	NXDomain          ID = "domain-nxdomain"
	BadName           ID = "domain-bad-name"
	SpecialUse        ID = "domain-special"
	TLD               ID = "domain-tld"
	DupTarget         ID = "mx-dup-target"
	Many              ID = "mx-many"
	TooMany           ID = "mx-too-many"
	Wildcard          ID = "mx-wildcard"
	TTLLow            ID = "mx-ttl-low"
	TTLHigh           ID = "mx-ttl-high"
	InconsistentNS    ID = "mx-inconsistent-ns"
	SplitHorizon      ID = "mx-split-horizon"
	StaleAnswer       ID = "mx-stale"

	DNSTimeout      ID = "dns-timeout"
	DNSServfail     ID = "dns-servfail"
	DNSBogus        ID = "dns-bogus"
	DNSLame         ID = "dns-lame"
	DNSRefused      ID = "dns-refused"
	DNSNotImp       ID = "dns-notimp"
	DNSFormErr      ID = "dns-formerr"
	DNSUnproved     ID = "dns-nodata-unproved"
	DNSNotRecursive ID = "dns-not-recursive"
	DNSBlocked      ID = "dns-blocked"
	DNSTruncated    ID = "dns-truncated-tcp-fail"
	DNSDisagree     ID = "dns-disagree"
	DNSNoZone       ID = "dns-no-zone"
	DNSStopped      ID = "dns-stopped"
	ResolverLies    ID = "resolver-lies"
)

// Rules is the table of all ids.
var Rules = []Rule{
	{OKHere, OK, Write, "RFC 5321 5.1", "The best MX is this server."},
	{OKShared, OK, Write, "RFC 5321 5.1", "This server shares the best preference with others."},
	{OKImplicit, Warning, Write, "RFC 5321 5.1", "There is no MX; the address of the domain itself is this server."},
	{OKWithBackup, OK, Write, "RFC 5321 5.1", "The best MX is this server, and there are others behind it."},
	{OKBackup, OK, Relay, "RFC 5321 5.1", "This server stands behind a better MX, as role: backup says."},
	{Unchecked, OK, Write, "mx_check: skip", "The inventory says that the domain is not checked."},
	{AliasDomain, Warning, Write, "RFC 5321 5.1, 2.3.5", "The domain is an alias; the MX of the name behind it is used."},
	{AliasDangling, Error, Hold, "RFC 5321 5.1", "The domain is an alias of a name that does not exist."},
	{AliasLoop, Error, Hold, "RFC 1034 3.6.2", "The domain is an alias that leads in a circle, or too far."},
	{TargetCNAME, Warning, Write, "RFC 2181 10.3", "An MX target is an alias, and some senders bounce."},
	{TargetCNAMELoop, Error, Hold, "RFC 5321 5.1", "The best MX target is an alias that leads in a circle, or too far."},
	{TargetIP, Error, Hold, "RFC 5321 5.1", "An MX target is an IP address, and many senders ignore it."},
	{TargetName, Warning, Write, "RFC 1123 2.1", "An MX target is no host name, and some senders ignore it."},
	{TargetNXDomain, Error, Hold, "RFC 5321 5.1", "The best MX target does not exist."},
	{TargetNoAddr, Error, Hold, "RFC 5321 5.1", "The best MX target has no address."},
	{TargetPartlyDead, Warning, Write, "RFC 5321 5.1", "Some MX targets cannot be used, and this server can."},
	{TargetRelative, Error, Hold, "RFC 1035 5.1", "An MX target has its zone twice: a final dot is missing."},
	{TargetPrivate, Error, Hold, "RFC 6890", "The best MX target has only addresses that the world cannot reach."},
	{TargetMixedAddr, Warning, Write, "RFC 5321 5.1", "A target that is this server has addresses that are not."},
	{TargetV6Only, Warning, Write, "RFC 3974 3", "This server has no IPv4 address under its MX name."},
	{BackupOnly, Error, Hold, "RFC 5321 5.1", "A better MX is another server: mail must not be delivered here."},
	{BackupBest, Error, Hold, "RFC 5321 5.1", "The inventory says backup, and no MX is better than this server: its mail would come back."},
	{Elsewhere, Error, Hold, "RFC 5321 5.1", "None of the MX hosts is this server."},
	{Lookalike, Error, Hold, "RFC 5321 5.1", "None of the MX hosts is this server, but one is spelled almost like it."},
	{Null, Error, Hold, "RFC 7505 3", "The domain states that it takes no mail."},
	{NullPref, Error, Hold, "RFC 7505 3", "A null MX has a preference other than 0, and senders disagree on it."},
	{NullMixed, Error, Hold, "RFC 7505 3", "A null MX stands beside others, and senders disagree on it."},
	{NoneNoAddr, Error, Hold, "RFC 5321 5.1", "The domain exists, and has neither MX nor address."},
	{NoneAddrElsewhere, Error, Hold, "RFC 5321 5.1", "The domain has no MX, and its address is another server."},
	{NXDomain, Error, Hold, "RFC 5321 5.1, RFC 8020", "The domain does not exist."},
	{BadName, Error, Hold, "RFC 1035 3.1, RFC 1123 2.1, RFC 5891", "The name is no mail domain."},
	{SpecialUse, Warning, Write, "RFC 6761", "The name is reserved for special use and is not looked up."},
	{TLD, Warning, Write, "RFC 7085", "A domain of one label is not reliable for mail."},
	{DupTarget, Warning, Write, "sendmail, domain.c", "A target is listed several times."},
	{Many, Warning, Write, "Postfix, smtp_mx_address_limit", "There are more MX records than some senders try."},
	{TooMany, Error, Hold, "sendmail, conf.h MAXMXHOSTS", "There are more MX records than sendmail reads."},
	{Wildcard, Warning, Write, "sendmail, cf/README bestmx_is_local", "The MX comes from a wildcard."},
	{TTLLow, Warning, Write, "RFC 1035 3.2.1", "The MX records hold for less than a minute."},
	{TTLHigh, Warning, Write, "RFC 1035 3.2.1", "The MX records hold for more than a week."},
	{InconsistentNS, Warning, Write, "RFC 1034 4.2", "The servers of the zone give different MX records."},
	{SplitHorizon, Warning, Write, "RFC 6950 4.2", "One resolver gives inner addresses and another public ones; the public ones decide."},
	{StaleAnswer, Warning, Keep, "RFC 8767, RFC 8914", "The resolver gave an answer that is out of date."},

	{DNSTimeout, Unknown, Keep, "RFC 5321 5.1", "No resolver answered in time."},
	{DNSServfail, Unknown, Keep, "RFC 5321 5.1, RFC 9520", "The resolver could not get an answer."},
	{DNSBogus, Unknown, Keep, "RFC 4035 5.5, RFC 8914", "DNSSEC validation fails: validating senders cannot see the domain."},
	{DNSLame, Unknown, Keep, "RFC 1912 2.8, RFC 8914", "The servers of the zone cannot be reached, or do not know it."},
	{DNSRefused, Unknown, Keep, "RFC 1035 4.1.1", "The resolver refuses to answer."},
	{DNSNotImp, Unknown, Keep, "RFC 1035 4.1.1", "The resolver does not know this kind of question."},
	{DNSFormErr, Unknown, Keep, "RFC 1035 4.1.1", "The resolver and we do not understand each other."},
	{DNSUnproved, Unknown, Keep, "RFC 2308 2.2", "The answer is empty and has no SOA record to prove it."},
	{DNSNotRecursive, Unknown, Keep, "RFC 1035 4.1.1", "The resolver does not look further than itself."},
	{DNSBlocked, Unknown, Keep, "RFC 8914 4.16", "The resolver blocks the name."},
	{DNSTruncated, Unknown, Keep, "RFC 7766", "The answer is too long for UDP, and TCP failed."},
	{DNSDisagree, Unknown, Keep, "RFC 5321 5.1", "Two questions got different answers."},
	{DNSNoZone, Unknown, Keep, "", "None of the zone files given holds the name."},
	{DNSStopped, Unknown, Keep, "", "The run was stopped before there was an answer."},
	{ResolverLies, Unknown, Keep, "RFC 6761 6.4", "The resolver answers for a name that cannot exist."},
}

var ruleByID = func() map[ID]*Rule {
	byID := make(map[ID]*Rule, len(Rules))
	for i := range Rules {
		byID[Rules[i].ID] = &Rules[i]
	}
	return byID
}()
