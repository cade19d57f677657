package importer

import "testing"

// TestNoPasswordsInComments leaves passwords out, and nothing else.
func TestNoPasswordsInComments(t *testing.T) {
	const out = "{…}"
	for comment, want := range map[string]string{
		"# andrei: {SSHA}c2FsdHlwYXNzd29yZA== of 2019": "# andrei: " + out + " of 2019",
		"# {plain}geheim":                              "# " + out,
		"# {SHA512-CRYPT}$6$salt$hash/of.bea":          "# " + out,
		"# bea $6$salt$hash/of.bea:19000":              "# bea " + out + ":19000",
		"# bea:$2y$10$abcdefghijklmnopqrstuv":          "# bea:" + out,
		"# $argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFz": "# " + out,
		"# $y$j9T$salt$hash of carl":                   "# " + out + " of carl",
		"# class {VirtHost} has a.example":             "# class {VirtHost} has a.example",
		"# hash:${config_directory}/virtual":           "# hash:${config_directory}/virtual",
		"# it costs $5 a month":                        "# it costs $5 a month",
		"# for the office":                             "# for the office",
	} {
		var p page
		p.comments("", []string{comment})
		if got := p.out.String(); got != want+"\n" {
			t.Errorf("%q becomes %q, not %q", comment, got, want)
		}
	}
}
