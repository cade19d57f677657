package inventory_test

import (
	"slices"
	"testing"

	"virtmap/inventory"
)

func TestSamples(t *testing.T) {
	made := inventory.Samples{User: "anybody", Detail: "any"}
	for key, want := range map[string]string{
		"fake": "fake", "fake+x": "fake+x", "fake+": "fake+", "fake++": "fake+any", "fake+*": "fake+any",
		"++": "anybody+any", "+*": "anybody+any", "": "anybody",
	} {
		if got := made.Of(key); got != want {
			t.Errorf("%q is matched by %q, not %q", key, got, want)
		}
	}
	taken := []string{"anything", "anythingx"}
	if got := inventory.Unlisted(func(name string) bool { return slices.Contains(taken, name) }); got != "anythingxx" {
		t.Errorf("made up is %q", got)
	}
}
