package sending_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"virtmap/sending"
)

// rfc8463Key is the key of RFC 8463 A.2, and rfc8463RSA begins the RSA key beside it.
const (
	rfc8463Key = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
	rfc8463RSA = "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
)

// TestKeyRecords reads DKIM key records. Each says which sentence of a standard is behind
// the answer.
func TestKeyRecords(t *testing.T) {
	good := strings.TrimPrefix(rfc8463RSA, "v=DKIM1; k=rsa; p=")
	for _, c := range []struct{ name, record, want string }{
		{"the Ed25519 key of RFC 8463 A.2", rfc8463Key, "ed25519"},
		{"the RSA key of RFC 8463 A.2", rfc8463RSA, "rsa 1024"},
		{"RFC 6376 3.6.1: v= is recommended, not required", "k=rsa; p=" + good, "rsa 1024"},
		{"RFC 6376 3.6.1: k= is rsa without a tag", "p=" + good, "rsa 1024"},
		{"RFC 6376 3.2: white space around tags, = and values is ignored", " v = DKIM1 ;\tp = " + good + " ; ", "rsa 1024"},
		{"RFC 6376 3.6.1: p= is base64 with white space", "p=" + good[:20] + " \r\n\t" + good[20:], "rsa 1024"},
		{"RFC 6376 3.2: tags that are not known are ignored", "v=DKIM1; x=y; n=a note; p=" + good, "rsa 1024"},
		{"RFC 6376 3.6.1: hashes that are not known are ignored", "h=sha1:sha256:sha9; p=" + good, "rsa 1024"},
		{"RFC 6376 3.6.1: s= has all services, or a list", "s=tlsrpt : email; p=" + good, "rsa 1024"},
		{"RFC 6376 3.6.1: t=y is a test", "t=y:s; p=" + good, "rsa 1024 testing strict"},
		{"RFC 6376 3.6.1: an empty p= is a key that was revoked", "v=DKIM1; p=", "revoked"},
		{"RFC 6376 3.6.1: v= is the first tag", "p=" + good + "; v=DKIM1", "v= is not the first tag"},
		{"RFC 6376 3.6.1: v= is DKIM1", "v=DKIM2; p=" + good, "v=DKIM2 is not DKIM1"},
		{"RFC 6376 3.2: values are case-sensitive", "v=dkim1; p=" + good, "v=dkim1 is not DKIM1"},
		{"RFC 6376 3.2: names are case-sensitive, and P= is another tag", "P=" + good, "p= is missing, which has the key"},
		{"RFC 6376 3.6.1: p= is required", "v=DKIM1; k=rsa", "p= is missing, which has the key"},
		{"RFC 6376 3.2: a tag that is there twice makes the list invalid", "p=" + good + "; p=" + good, "p= is there twice"},
		{"RFC 6376 3.2: a tag has =", "v=DKIM1; rsa; p=" + good, `"rsa" has no =`},
		{"RFC 6376 3.2: only the last semicolon may have nothing behind it", "v=DKIM1;; p=" + good, "there is nothing between two semicolons"},
		{"a semicolon that is missing", "v=DKIM1 k=rsa; p=" + good, "v=DKIM1 k=rsa is not DKIM1"},
		{"RFC 8301 3.1: signatures have sha256", "h=sha1; p=" + good, "h=sha1 does not allow sha256, which signatures have (RFC 8301 3.1)"},
		{"RFC 6376 3.6.1: keys for other services are not for mail", "s=tlsrpt; p=" + good, "s=tlsrpt does not allow email"},
		{"RFC 6376 3.6.1: a kind of key that is not known", "k=dsa; p=" + good, "k=dsa is no kind of key that receivers know"},
		{"a key that was cut", "p=" + good[:100], "p= is no RSA key; is it cut?"},
		{"base64 that was cut", "p=" + good[:101], "p= is no base64: it is cut"},
		{"base64 with quotes of a zone file", `p="` + good, `p= is no base64: it has the character '"'`},
		{"RFC 8463 4.2: an Ed25519 key has 32 octets", "k=ed25519; p=" + good, "p= has 162 octets, and an ed25519 key has 32 (RFC 8463 4.2)"},
		{"RFC 8463 4.2: and no wrapping", "k=rsa; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "p= is no RSA key; is it cut?"},
		{"nothing", "", "p= is missing, which has the key"},
		{"another record", "v=spf1 -all", `v=spf1 -all is not DKIM1; p= is missing, which has the key`},
	} {
		k, mistakes := sending.ParseKeyRecord(c.record)
		got := strings.Join(mistakes, "; ")
		if got == "" {
			got = describeKey(k)
		} else if k.Public != nil {
			t.Errorf("%s: a key with mistakes", c.name)
		}
		if got != c.want {
			t.Errorf("%s: %s\ngot  %s\nwant %s", c.name, c.record, got, c.want)
		}
	}
}

func describeKey(k sending.KeyRecord) string {
	var words []string
	switch key := k.Public.(type) {
	case *rsa.PublicKey:
		words = append(words, "rsa", map[int]string{128: "1024", 256: "2048"}[key.Size()])
	case ed25519.PublicKey:
		words = append(words, "ed25519")
	}
	if k.Revoked {
		words = append(words, "revoked")
	}
	if k.Testing {
		words = append(words, "testing")
	}
	if k.Strict {
		words = append(words, "strict")
	}
	return strings.Join(words, " ")
}

// TestKeyFiles reads the public half of private keys as openssl and opendkim-genkey write
// them, and finds it in the record that is made of it.
func TestKeyFiles(t *testing.T) {
	long, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8 := func(key any) []byte {
		data, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: data})
	}
	pkcs1 := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(long)})
	for name, text := range map[string][]byte{
		"PKCS#1": pkcs1, "PKCS#8 with RSA": pkcs8(long), "PKCS#8 with Ed25519": pkcs8(private), "behind a comment": append([]byte("the key of 2026\n"), pkcs1...),
	} {
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		key, err := sending.ReadKeyFile(path)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !long.PublicKey.Equal(key) && !public.Equal(key) {
			t.Errorf("%s: another key", name)
		}
		record, mistakes := sending.ParseKeyRecord(sending.FormatKeyRecord(key))
		if len(mistakes) > 0 || !long.PublicKey.Equal(record.Public) && !public.Equal(record.Public) {
			t.Errorf("%s: its record is %+v %v", name, record, mistakes)
		}
	}
}

// TestKeyFilesThatCannotBeRead says why, and nothing about what is in them.
func TestKeyFilesThatCannotBeRead(t *testing.T) {
	block := func(kind, data string, headers map[string]string) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: []byte(data), Headers: headers}))
	}
	for text, want := range map[string]string{
		"":                                      "it has no private key in PEM",
		rfc8463Key:                              "it has no private key in PEM",
		block("RSA PRIVATE KEY", "secret", nil): "the private key is damaged",
		block("PRIVATE KEY", "secret", nil):     "the private key is damaged",
		block("PUBLIC KEY", "secret", nil):      "the public key is damaged",
		block("ENCRYPTED PRIVATE KEY", "secret", nil):                            "the key has a passphrase",
		block("RSA PRIVATE KEY", "secret", map[string]string{"DEK-Info": "AES"}): "the key has a passphrase",
	} {
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := sending.ReadKeyFile(path)
		if err == nil || !strings.HasSuffix(err.Error(), want) || strings.Contains(err.Error(), base64.StdEncoding.EncodeToString([]byte("secret"))) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	if _, err := sending.ReadKeyFile(t.TempDir()); err == nil {
		t.Error("a folder is no key")
	}
	path := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(path, make([]byte, 100<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sending.ReadKeyFile(path); err == nil || !strings.Contains(err.Error(), "64 KiB") {
		t.Errorf("a large file: %v", err)
	}
}

// FuzzKeyRecord reads any text as a key record: it has a key, is revoked, or has a mistake.
func FuzzKeyRecord(f *testing.F) {
	for _, text := range []string{rfc8463Key, rfc8463RSA, "v=DKIM1; p=", "k=rsa; p=;;=", "p=AAAA; h=; t=; s="} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		k, mistakes := sending.ParseKeyRecord(text)
		if (k.Public != nil) == (k.Revoked || len(mistakes) > 0) {
			t.Errorf("%q: %+v %q", text, k, mistakes)
		}
		if k.Public == nil {
			return
		}
		if again, mistakes := sending.ParseKeyRecord(sending.FormatKeyRecord(k.Public)); len(mistakes) > 0 || again.Public == nil {
			t.Errorf("%q: its record has mistakes: %q", text, mistakes)
		}
	})
}
