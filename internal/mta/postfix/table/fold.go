package table

import (
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

// folding returns a Lookup that folds the key. A key that is not UTF-8 is in no table.
func folding(find Lookup) Lookup {
	return func(key string) (string, bool, error) {
		if !utf8.ValidString(key) {
			return "", false, nil
		}
		return find(Fold(key))
	}
}
