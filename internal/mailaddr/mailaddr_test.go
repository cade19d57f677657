package mailaddr

import (
	"strings"
	"testing"
)

func TestFoldDomain(t *testing.T) {
	long := strings.Repeat("a", 63)
	tests := []struct {
		it, in, want, problem string
	}{
		{"keeps a plain name", "fakemail.example", "fakemail.example", ""},
		{"folds case", "FakeMail.Example", "fakemail.example", ""},
		{"takes one final dot off", "fakemail.example.", "fakemail.example", ""},
		{"keeps two hyphens in a row", "r3---sn.example", "r3---sn.example", ""},
		{"converts umlauts", "bücher.example", "xn--bcher-kva.example", ""},
		{"folds the case of umlauts", "BÜCHER.example", "xn--bcher-kva.example", ""},
		{"keeps the sharp s", "straße.example", "xn--strae-oqa.example", ""},
		{"folds full-width letters and dots", "ｆａｋｅ。example", "fake.example", ""},
		{"accepts a valid A-label", "xn--bcher-kva.example", "xn--bcher-kva.example", ""},
		{"accepts a label of 63", long + ".example", long + ".example", ""},
		{"accepts a single label", "localhost", "localhost", ""},
		{"refuses an A-label that decodes to nothing", "xn--a.example", "", "UTS 46"},
		{"refuses an empty A-label", "xn--.example", "", "empty label"},
		{"refuses a label of 64", "a" + long + ".example", "", "64 characters"},
		{"refuses 254 characters", strings.Repeat("a.", 126) + "ab", "", "254 characters"},
		{"refuses an underscore", "_dmarc.example", "", `'_'`},
		{"refuses two dots", "a..example", "", "empty label"},
		{"refuses a leading dot", ".example", "", "empty label"},
		{"refuses two final dots", "example..", "", "empty label"},
		{"refuses a hyphen at the end", "a-.example", "", "hyphen"},
		{"refuses a wildcard", "*.example.com", "", "wildcard"},
		{"refuses an address literal", "[192.0.2.1]", "", "literal"},
		{"refuses an IP address", "192.0.2.1", "", "number"},
		{"refuses an m4 quote", "a'b.example", "", `'\''`},
		{"refuses a blank", "a b.example", "", `' '`},
		{"refuses nothing", "", "", "empty"},
	}
	for _, tt := range tests {
		got, problem := FoldDomain(tt.in)
		if got != tt.want || (problem == nil) != (tt.problem == "") || problem != nil && !strings.Contains(problem.Text, tt.problem) {
			t.Errorf("it %s: FoldDomain(%q) = %q, %v; want %q, %q", tt.it, tt.in, got, problem, tt.want, tt.problem)
		}
	}
}

func TestFoldLocal(t *testing.T) {
	tests := []struct {
		it, in, want, problem string
	}{
		{"folds case", "Fake", "fake", ""},
		{"keeps an apostrophe", "o'brien", "o'brien", ""},
		{"keeps a detail", "sales+x", "sales+x", ""},
		{"accepts 64 characters", strings.Repeat("a", 64), strings.Repeat("a", 64), ""},
		{"refuses 65 characters", strings.Repeat("a", 65), "", "65 characters"},
		{"refuses a route", "a%b", "", "route"},
		{"refuses a UUCP path", "a!b", "", "route"},
		{"refuses a comment", "#a", "", "comment"},
		{"refuses a file", "/etc/passwd", "", "file"},
		{"refuses the m4 quote", "a`b", "", "'`'"},
		{"refuses a blank", "a b", "", `' '`},
		{"refuses a NUL", "a\x00b", "", `'\x00'`},
		{"refuses quotes", `"a"`, "", "quoted"},
		{"refuses umlauts", "bücher", "", "ASCII"},
		{"refuses nothing", "", "", "nothing"},
	}
	for _, tt := range tests {
		got, problem := FoldLocal(tt.in)
		if got != tt.want || (problem == nil) != (tt.problem == "") || problem != nil && !strings.Contains(problem.Text, tt.problem) {
			t.Errorf("it %s: FoldLocal(%q) = %q, %v; want %q, %q", tt.it, tt.in, got, problem, tt.want, tt.problem)
		}
	}
}

func FuzzFold(f *testing.F) {
	for _, seed := range []string{"fake@fakemail.example", "a@b@c", "ü@bücher.example", "@", "a%b@c.", "x@xn--", "\xff@\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, addr string) {
		folded, problem := Fold(addr)
		if problem != nil {
			return
		}
		again, problem := Fold(folded)
		if problem != nil || again != folded {
			t.Errorf("Fold(%q) = %q, whose Fold is %q, %v", addr, folded, again, problem)
		}
		if strings.ContainsAny(folded, "`\"\\%!,;:<>()[] \t\r\n\x00") {
			t.Errorf("Fold(%q) = %q lets a special character through", addr, folded)
		}
	})
}
