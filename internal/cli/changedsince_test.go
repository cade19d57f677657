package cli

import (
	"fmt"
	"testing"
)

func TestReadPatch(t *testing.T) {
	c := &changedLines{files: map[string][]lineRange{}, gone: map[string][]lineRange{}}
	c.readPatch(`diff --git a/mail.yaml b/mail.yaml
index 1..2 100644
--- a/mail.yaml
+++ b/mail.yaml
@@ -3 +3 @@ users:
--- was no header
++++ nor is this
@@ -7,2 +6,0 @@
-gone
-gone
@@ -20,0 +19,3 @@
+new
+new
+new
\ No newline at end of file
diff --git "a/a \"b\".yaml" "b/a \"b\".yaml"
--- "a/a \"b\".yaml"
+++ "b/a \"b\".yaml"
@@ -1 +1,2 @@
-one
+one
+two
diff --git a/gone.yaml b/gone.yaml
--- a/gone.yaml
+++ /dev/null
@@ -1 +0,0 @@
-x
`)
	want := `map[a "b".yaml:[{1 2}] mail.yaml:[{3 3} {19 21}]]`
	if got := fmt.Sprint(c.files); got != want {
		t.Errorf("the lines are %s, not %s", got, want)
	}
	want = `map[a "b".yaml:[{1 1}] gone.yaml:[{1 1}] mail.yaml:[{3 3} {7 8}]]`
	if got := fmt.Sprint(c.gone); got != want {
		t.Errorf("the lines were %s, not %s", got, want)
	}
}
