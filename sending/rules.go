package sending

import "virtmap/mxcheck"

// An ID is the name of a kind of finding. An ID never changes, because scripts have it.
type ID string

// A Rule describes the findings with one id.
type Rule struct {
	ID      ID
	Level   mxcheck.Level // a finding may have a lower one
	Basis   string        // the RFC behind the rule; may be empty
	Meaning string        // one sentence
}

// The ids.
const (
	SPFOK      ID = "spf-ok"
	SPFNone    ID = "spf-none"
	SPFMany    ID = "spf-many"
	SPFSyntax  ID = "spf-syntax"
	SPFLookups ID = "spf-lookups"
	SPFNotUs   ID = "spf-not-us"
	SPFWeak    ID = "spf-weak"
	SPFUnknown ID = "spf-unknown"

	DKIMOK      ID = "dkim-ok"
	DKIMMissing ID = "dkim-missing"
	DKIMOther   ID = "dkim-other"
	DKIMRevoked ID = "dkim-revoked"
	DKIMWeak    ID = "dkim-weak"
	DKIMSyntax  ID = "dkim-syntax"
	DKIMUnread  ID = "dkim-unread"
	DKIMUnknown ID = "dkim-unknown"

	DMARCOK      ID = "dmarc-ok"
	DMARCNone    ID = "dmarc-none"
	DMARCSyntax  ID = "dmarc-syntax"
	DMARCAlign   ID = "dmarc-align"
	DMARCReport  ID = "dmarc-report"
	DMARCUnknown ID = "dmarc-unknown"

	PTROK        ID = "ptr-ok"
	PTRMissing   ID = "ptr-missing"
	PTRForward   ID = "ptr-forward"
	PTRUnknown   ID = "ptr-unknown"
	HELOMismatch ID = "helo-mismatch"
	HELOUnknown  ID = "helo-unknown"

	STSMX      ID = "mta-sts-mx"
	STSID      ID = "mta-sts-id"
	STSSyntax  ID = "mta-sts-syntax"
	STSUnknown ID = "mta-sts-unknown"

	TLSAMismatch ID = "tlsa-mismatch"
	TLSAInsecure ID = "tlsa-insecure"
	TLSAUnknown  ID = "tlsa-unknown"

	TLSRPTSyntax  ID = "tlsrpt-syntax"
	TLSRPTUnknown ID = "tlsrpt-unknown"
)

// Rules is the table of all ids.
var Rules = []Rule{
	{SPFOK, mxcheck.OK, "RFC 7208", "SPF lets all addresses that send pass."},
	{SPFNone, mxcheck.Warning, "RFC 7208 4.5", "The domain has no SPF record."},
	{SPFMany, mxcheck.Error, "RFC 7208 4.5", "The domain has several SPF records, and every answer is permerror."},
	{SPFSyntax, mxcheck.Error, "RFC 7208 4.6, 12", "The SPF record, or one that it includes, has a mistake."},
	{SPFLookups, mxcheck.Error, "RFC 7208 4.6.4", "The SPF record needs more lookups than receivers make."},
	{SPFNotUs, mxcheck.Error, "RFC 7208 4.7, 8", "SPF does not let an address pass that sends for the domain."},
	{SPFWeak, mxcheck.Warning, "RFC 7208 5.1, 5.5", "The SPF record lets everybody send, or uses ptr."},
	{SPFUnknown, mxcheck.Unknown, "RFC 7208 2.6.6", "The DNS gave no answer about SPF."},

	{DKIMOK, mxcheck.OK, "RFC 6376", "The DKIM key in the DNS is the public half of the key in use."},
	{DKIMMissing, mxcheck.Error, "RFC 6376 3.6.2", "The DNS has no key for a selector in use."},
	{DKIMOther, mxcheck.Error, "RFC 6376 3.6.2", "The DNS has another key than the one in use, or several."},
	{DKIMRevoked, mxcheck.Error, "RFC 6376 3.6.1", "The key of a selector in use is revoked."},
	{DKIMWeak, mxcheck.Error, "RFC 8301 3.2", "The DKIM key is too short, or is only a test."},
	{DKIMSyntax, mxcheck.Error, "RFC 6376 3.6.1", "The DKIM key in the DNS cannot be used."},
	{DKIMUnread, mxcheck.Warning, "", "The file of a private key cannot be read, and was not compared."},
	{DKIMUnknown, mxcheck.Unknown, "RFC 6376 6.1.2", "The DNS gave no answer about a DKIM key."},

	{DMARCOK, mxcheck.OK, "RFC 7489", "The domain, or its organizational domain, has a DMARC record."},
	{DMARCNone, mxcheck.Warning, "RFC 7489 6.6.3", "Neither the domain nor its organizational domain has a DMARC record."},
	{DMARCSyntax, mxcheck.Error, "RFC 7489 6.3, 6.6.3", "The DMARC record has a mistake, or there are several."},
	{DMARCAlign, mxcheck.Error, "RFC 7489 3.1", "Neither SPF nor DKIM of our mail passes for the domain of the From."},
	{DMARCReport, mxcheck.Warning, "RFC 7489 7.1", "Another domain does not say that it takes reports about this one."},
	{DMARCUnknown, mxcheck.Unknown, "RFC 7489 6.6.3", "The DNS gave no answer about DMARC."},

	{PTROK, mxcheck.OK, "RFC 1912 2.1", "An address that sends has a name that leads back to it."},
	{PTRMissing, mxcheck.Error, "RFC 1912 2.1", "An address that sends has no name, and large receivers refuse it."},
	{PTRForward, mxcheck.Error, "RFC 1912 2.1", "The name of an address that sends does not lead back to it."},
	{PTRUnknown, mxcheck.Unknown, "RFC 1912 2.1", "The DNS gave no answer about the name of an address."},
	{HELOMismatch, mxcheck.Warning, "RFC 5321 4.1.4", "The host's own name has none of the addresses that send."},
	{HELOUnknown, mxcheck.Unknown, "RFC 5321 4.1.4", "The DNS gave no answer about the host's own name."},

	{STSMX, mxcheck.Error, "RFC 8461 4.1", "The MTA-STS policy does not list an MX, and senders will not deliver there."},
	{STSID, mxcheck.Warning, "RFC 8461 3.1, 3.3", "The record of MTA-STS and its policy do not belong together."},
	{STSSyntax, mxcheck.Error, "RFC 8461 3.2", "The MTA-STS policy has a mistake, and senders ignore it."},
	{STSUnknown, mxcheck.Unknown, "RFC 8461 3.1", "The DNS gave no answer about MTA-STS."},

	{TLSAMismatch, mxcheck.Error, "RFC 7672 3.1", "No TLSA record matches the certificate, and senders will not deliver."},
	{TLSAInsecure, mxcheck.Warning, "RFC 7672 2.2", "The TLSA records have no effect, because DNSSEC does not prove them."},
	{TLSAUnknown, mxcheck.Unknown, "RFC 7672 2.1", "The DNS gave no answer about TLSA, and senders that ask for it wait."},

	{TLSRPTSyntax, mxcheck.Warning, "RFC 8460 3", "The record that asks for reports about TLS has a mistake, or there are several."},
	{TLSRPTUnknown, mxcheck.Unknown, "RFC 8460 3", "The DNS gave no answer about reports about TLS."},
}

var ruleByID = func() map[ID]*Rule {
	byID := map[ID]*Rule{}
	for i := range Rules {
		byID[Rules[i].ID] = &Rules[i]
	}
	return byID
}()
