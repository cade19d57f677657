package sending

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"

	"virtmap/internal/regular"
)

// maxKeyFile is the number of bytes of the longest key file that is read. A key of 16384
// bits has 13 KiB.
const maxKeyFile = 64 << 10

// ReadKeyFile reads the public half of the private key in a file. The key is RSA or
// Ed25519, in PEM: PKCS#1 ("RSA PRIVATE KEY") or PKCS#8 ("PRIVATE KEY"), without a
// passphrase. The file may also have the public half only ("PUBLIC KEY").
func ReadKeyFile(path string) (crypto.PublicKey, error) {
	file, err := regular.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxKeyFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxKeyFile {
		return nil, fmt.Errorf("%q is larger than a key: more than %d KiB", path, maxKeyFile>>10)
	}
	key, err := PublicHalf(data)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", path, err)
	}
	return key, nil
}

// PublicHalf returns the public half of a private key in PEM. See ReadKeyFile.
func PublicHalf(data []byte) (crypto.PublicKey, error) {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "RSA PRIVATE KEY":
			if block.Headers["DEK-Info"] != "" {
				return nil, errors.New("the key has a passphrase")
			}
			return rsaHalf(block.Bytes)
		case "PRIVATE KEY":
			return pkcs8Half(block.Bytes)
		case "PUBLIC KEY":
			key, err := x509.ParsePKIXPublicKey(block.Bytes)
			if err != nil {
				return nil, errors.New("the public key is damaged")
			}
			return known(key)
		case "ENCRYPTED PRIVATE KEY":
			return nil, errors.New("the key has a passphrase")
		}
	}
	return nil, errors.New("it has no private key in PEM")
}

// errDamaged says nothing about the content of a key.
var errDamaged = errors.New("the private key is damaged")

func rsaHalf(data []byte) (crypto.PublicKey, error) {
	key, err := x509.ParsePKCS1PrivateKey(data)
	if err != nil {
		return nil, errDamaged
	}
	return &key.PublicKey, nil
}

func pkcs8Half(data []byte) (crypto.PublicKey, error) {
	key, err := x509.ParsePKCS8PrivateKey(data)
	if err != nil {
		return nil, errDamaged
	}
	if signer, ok := key.(crypto.Signer); ok {
		return known(signer.Public())
	}
	return known(nil)
}

// known returns a key of a kind that DKIM has.
func known(key crypto.PublicKey) (crypto.PublicKey, error) {
	switch key.(type) {
	case *rsa.PublicKey, ed25519.PublicKey:
		return key, nil
	}
	return nil, errors.New("the key is neither RSA nor Ed25519, and DKIM has no others")
}
