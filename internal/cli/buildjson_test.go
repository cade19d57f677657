package cli

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestThePageHasTheKeysOfBuild compares the table of docs/commands.md with the document.
func TestThePageHasTheKeysOfBuild(t *testing.T) {
	_, page, _ := strings.Cut(pageOf(t, filepath.Join("docs", "commands.md")), "## What a build did")
	for _, key := range keysOf(reflect.TypeFor[buildDocument](), true) {
		if !strings.Contains(page, "`"+key+"`") {
			t.Errorf("docs/commands.md does not say what %s is", key)
		}
	}
}

// keysOf returns the keys of an object, and with inside those of the objects in it. The
// objects of report are described elsewhere.
func keysOf(d reflect.Type, inside bool) (keys []string) {
	for i := range d.NumField() {
		field := d.Field(i)
		inner := field.Type
		if inner.Kind() == reflect.Slice || inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" {
			keys = append(keys, name)
		}
		ours := inner.PkgPath() == d.PkgPath()
		if inside && inner.Kind() == reflect.Struct && (field.Anonymous || ours) {
			keys = append(keys, keysOf(inner, ours)...)
		}
	}
	return keys
}
