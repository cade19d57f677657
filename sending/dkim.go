package sending

import (
	"crypto"
	"crypto/rsa"
	"fmt"
	"strings"

	"virtmap/mxcheck"
)

// Lengths of RSA keys, in bits (RFC 8301 3.2).
const (
	leastBits = 1024 // shorter keys do not verify
	goodBits  = 2048
)

// checkKeys checks the DKIM keys of the domain.
func (d *domainCheck) checkKeys() {
	for i := range d.Keys {
		k := d.Keys[i]
		if k.Domain == "" {
			k.Domain = d.Domain
		}
		found, state := d.checkKey(&k)
		for _, f := range found {
			if k.Spare {
				f = f.lowered(mxcheck.Warning)
			}
			d.add(f)
		}
		switch {
		case k.Spare:
		case state == passes:
			d.keys = passes
			d.aligned = append(d.aligned, k.Domain)
		case d.keys != passes && (state == unsure || d.keys == absent):
			d.keys = state
		}
	}
}

// name returns the name of the key in the DNS.
func (k *Key) name() string { return k.Selector + "._domainkey." + k.Domain }

// line returns the line of the key, or an empty text when the key cannot be read.
func (k *Key) line() string {
	if k.Public == nil {
		return ""
	}
	return txtLine(k.name(), FormatKeyRecord(k.Public))
}

// checkKey checks one key, and says whether signatures with it verify.
func (d *domainCheck) checkKey(k *Key) (found []Finding, s state) {
	if k.Public == nil {
		found = append(found, finding(DKIMUnread, "the key of %s is not compared: %s", k.name(), k.Problem).advise("let virtmap read %s, or run it where the key is", k.File))
	}
	texts, failed := d.txt(k.name(), func(string) bool { return true })
	switch {
	case failed.Failure != "":
		return append(found, noAnswer(DKIMUnknown, k.name(), failed)), unsure
	case len(texts) == 0:
		return append(found, finding(DKIMMissing, "there is no key at %s", k.name()).publish(k.line())), fails
	case len(texts) > 1:
		return append(found, finding(DKIMOther, "there are %d records at %s, and receivers take any of them", len(texts), k.name()).
			advise("keep the one of the key in use").publish(k.line())), fails
	}
	more, s := k.compare(texts[0])
	return append(found, more...), s
}

// compare compares a record with the key in use.
func (k *Key) compare(text string) ([]Finding, state) {
	record, mistakes := ParseKeyRecord(text)
	switch {
	case len(mistakes) > 0:
		return []Finding{finding(DKIMSyntax, "the key at %s cannot be used: %s", k.name(), strings.Join(mistakes, "; ")).publish(k.line())}, fails
	case record.Revoked:
		return []Finding{finding(DKIMRevoked, "the key at %s is revoked: p= is empty", k.name()).advise("sign with a new selector, and publish its key")}, fails
	case k.Public != nil && !sameKey(k.Public, record.Public):
		return []Finding{finding(DKIMOther, "the key at %s is another one than that of %s", k.name(), k.File).publish(k.line())}, fails
	}
	f, weak := weakness(k, record)
	switch {
	case weak && (bits(record.Public) < leastBits || record.Testing):
		return []Finding{f}, fails
	case k.Public == nil && weak:
		return []Finding{f}, unsure
	case k.Public == nil:
		return nil, unsure
	case weak:
		return []Finding{f}, passes
	}
	return []Finding{finding(DKIMOK, "%s is the public half of the key in use", k.name())}, passes
}

// bits returns the length of a key. That of an Ed25519 key counts as good.
func bits(key crypto.PublicKey) int {
	if key, ok := key.(*rsa.PublicKey); ok {
		return key.N.BitLen()
	}
	return goodBits
}

// weakness returns the finding of a key that is short or a test.
func weakness(k *Key, record KeyRecord) (f Finding, weak bool) {
	n := bits(record.Public)
	var why []string
	if n < goodBits {
		why = append(why, fmt.Sprintf("has %d bits", n))
	}
	if record.Testing {
		why = append(why, "is a test (t=y), as if the mail were not signed")
	}
	f = finding(DKIMWeak, "the key at %s %s", k.name(), strings.Join(why, ", and "))
	switch {
	case n < leastBits:
		f.Text += "; receivers accept no key under 1024 bits"
	default:
		f = f.lowered(mxcheck.Warning)
	}
	switch {
	case n < goodBits:
		f = f.advise("sign with a new selector and a key of 2048 bits")
	case record.Testing:
		f = f.advise("take t=y out when the test is over").publish(k.line())
	}
	return f, len(why) > 0
}
