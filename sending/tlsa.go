package sending

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"slices"
	"strings"

	"virtmap/mxcheck"
)

// checkTLSA checks the TLSA records of the domain's MX targets. Nothing is said about
// targets without them.
func (d *domainCheck) checkTLSA() {
	mx := d.ask(d.ctx, d.Domain, mxcheck.TypeMX)
	for _, r := range mx.Records {
		if r.Target == "." {
			continue
		}
		name := "_25._tcp." + r.Target
		switch a := d.ask(d.ctx, name, mxcheck.TypeTLSA); {
		case a.Failure == mxcheck.DNSNoZone:
		case a.Failure != "":
			d.add(noAnswer(TLSAUnknown, name, a))
		case len(a.Records) > 0:
			d.checkTarget(name, r.Target, a)
		}
	}
}

// checkTarget checks the TLSA records of one MX target.
func (d *domainCheck) checkTarget(name, target string, a mxcheck.Answer) {
	d.Records = append(d.Records, a.Records...)
	if d.Live && !a.Validated {
		d.add(finding(TLSAInsecure, "the TLSA records of %s have no effect, because the resolver does not say that DNSSEC proves them", name).
			advise("sign the zone, or name a resolver that validates with --resolver"))
	}
	if len(d.Host.Certificates) == 0 || !slices.Contains(d.MX, target) {
		return
	}
	if slices.ContainsFunc(a.Records, func(r mxcheck.Record) bool { return matchesAny(r.Text, d.Host.Certificates) }) {
		return
	}
	record := tlsaOf("3 1 1", d.Host.Certificates[0])
	d.add(finding(TLSAMismatch, "no TLSA record of %s matches the certificate in %s", name, d.Host.CertificateFile).
		publish(mxcheck.Record{Name: name, Type: mxcheck.TypeTLSA, TTL: lineTTL, Text: record}.String()))
}

// matchesAny reports whether a TLSA record matches the certificates that the server shows.
// Usage 3 is the server's own certificate, and usage 2 one of those that signed it. Senders
// do not use the others (RFC 7672 3.1.3).
func matchesAny(text string, chain []*x509.Certificate) bool {
	head, _, found := cutLast(text)
	switch {
	case !found:
		return false
	case strings.HasPrefix(head, "3 "):
		chain = chain[:1]
	case !strings.HasPrefix(head, "2 "):
		return false
	}
	return slices.ContainsFunc(chain, func(c *x509.Certificate) bool { return tlsaOf(head, c) == text })
}

func cutLast(text string) (before, last string, found bool) {
	at := strings.LastIndexByte(text, ' ')
	if at < 0 {
		return "", text, false
	}
	return text[:at], text[at+1:], true
}

// tlsaOf returns the TLSA record of a certificate. head is its usage, selector and matching
// type, such as "3 1 1". The record is empty for values that RFC 6698 2.1 does not have.
func tlsaOf(head string, c *x509.Certificate) string {
	parts := strings.Split(head, " ")
	if len(parts) != 3 {
		return ""
	}
	var data []byte
	switch parts[1] {
	case "0":
		data = c.Raw
	case "1":
		data = c.RawSubjectPublicKeyInfo
	default:
		return ""
	}
	switch parts[2] {
	case "0":
	case "1":
		sum := sha256.Sum256(data)
		data = sum[:]
	case "2":
		sum := sha512.Sum512(data)
		data = sum[:]
	default:
		return ""
	}
	return head + " " + hex.EncodeToString(data)
}
