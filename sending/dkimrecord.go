package sending

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

// A KeyRecord is a DKIM key as it is in the DNS (RFC 6376 3.6.1, RFC 8463 4.2).
type KeyRecord struct {
	Public  crypto.PublicKey // *rsa.PublicKey or ed25519.PublicKey; nil: the key is revoked, or has a mistake
	Revoked bool             // p= is empty
	Testing bool             // t=y: receivers treat the mail as if it were not signed
	Strict  bool             // t=s: the domain in i= is that in d=
}

// ParseKeyRecord reads a DKIM key record, and returns its mistakes. With a mistake, no
// signature verifies with the key.
func ParseKeyRecord(text string) (KeyRecord, []string) {
	var k KeyRecord
	list, mistakes := readTags(text)
	for i, t := range list {
		if t.name != "v" {
			continue
		}
		if i > 0 {
			mistakes = append(mistakes, "v= is not the first tag")
		}
		if t.value != "DKIM1" {
			mistakes = append(mistakes, fmt.Sprintf("v=%s is not DKIM1", t.value))
		}
	}
	mistakes = append(mistakes, k.readUse(list)...)
	mistakes = append(mistakes, k.readKey(list)...)
	if len(mistakes) > 0 {
		k.Public = nil
	}
	return k, mistakes
}

// readUse reads what the key is for: h=, s= and t=.
func (k *KeyRecord) readUse(list tags) (mistakes []string) {
	if h := list.find("h"); h != nil && !slices.Contains(splitColons(h.value), "sha256") {
		mistakes = append(mistakes, "h="+h.value+" does not allow sha256, which signatures have (RFC 8301 3.1)")
	}
	if s := list.find("s"); s != nil {
		words := splitColons(s.value)
		if !slices.Contains(words, "*") && !slices.Contains(words, "email") {
			mistakes = append(mistakes, "s="+s.value+" does not allow email")
		}
	}
	flags := splitColons(list.value("t"))
	k.Testing, k.Strict = slices.Contains(flags, "y"), slices.Contains(flags, "s")
	return mistakes
}

// readKey reads k= and p=.
func (k *KeyRecord) readKey(list tags) []string {
	p := list.find("p")
	if p == nil {
		return []string{"p= is missing, which has the key"}
	}
	text := withoutWhite(p.value)
	if text == "" {
		k.Revoked = true
		return nil
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return []string{"p= is no base64: " + whyNotBase64(text)}
	}
	switch kind := list.value("k"); kind {
	case "", "rsa":
		k.Public = parseRSA(data)
	case "ed25519":
		if len(data) == ed25519.PublicKeySize {
			k.Public = ed25519.PublicKey(data)
			break
		}
		return []string{fmt.Sprintf("p= has %d octets, and an ed25519 key has %d (RFC 8463 4.2)", len(data), ed25519.PublicKeySize)}
	default:
		return []string{"k=" + kind + " is no kind of key that receivers know"}
	}
	if k.Public == nil {
		return []string{"p= is no RSA key; is it cut?"}
	}
	return nil
}

// whyNotBase64 says what is wrong with a text that is no base64.
func whyNotBase64(text string) string {
	if i := strings.IndexFunc(text, func(r rune) bool {
		return !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=", r)
	}); i >= 0 {
		return fmt.Sprintf("it has the character %+q", []rune(text[i:])[0])
	}
	return "it is cut"
}

// parseRSA reads an RSA key: a SubjectPublicKeyInfo, as all programs write it, or the
// RSAPublicKey that RFC 6376 names.
func parseRSA(data []byte) crypto.PublicKey {
	if key, err := x509.ParsePKIXPublicKey(data); err == nil {
		if key, ok := key.(*rsa.PublicKey); ok {
			return key
		}
		return nil
	}
	if key, err := x509.ParsePKCS1PublicKey(data); err == nil {
		return key
	}
	return nil
}

// FormatKeyRecord returns the key record of a public key. It is empty for a key that DKIM
// does not have.
func FormatKeyRecord(public crypto.PublicKey) string {
	switch key := public.(type) {
	case *rsa.PublicKey:
		data, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			return ""
		}
		return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(data)
	case ed25519.PublicKey:
		return "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(key)
	}
	return ""
}

// sameKey reports whether two public keys are the same.
func sameKey(a, b crypto.PublicKey) bool {
	switch a := a.(type) {
	case *rsa.PublicKey:
		return a.Equal(b)
	case ed25519.PublicKey:
		return a.Equal(b)
	}
	return false
}
