package table

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Fold returns a text in lower case, as Postfix folds keys, addresses and domains.
func Fold(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return oddCases.Replace(strings.ToLower(s))
		}
	}
	return strings.ToLower(s)
}

// oddCases are letters whose Unicode case folding is not their lower case.
var oddCases = strings.NewReplacer("ß", "ss", "ς", "σ", "ſ", "s")

// folding returns a Lookup that folds the key.
func folding(find Lookup) Lookup {
	return inUTF8(func(key string) (string, bool, error) { return find(Fold(key)) })
}

// inUTF8 returns a Lookup as Postfix asks with smtputf8_enable: a key that is not UTF-8
// is in no table, and a value that is not UTF-8 is an error.
func inUTF8(find Lookup) Lookup {
	return func(key string) (string, bool, error) {
		if !utf8.ValidString(key) {
			return "", false, nil
		}
		value, ok, err := find(key)
		if ok && err == nil && !utf8.ValidString(value) {
			return "", false, fmt.Errorf("the value of %q is not UTF-8", key)
		}
		return value, ok, err
	}
}
