package cli

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestArchitectureListsTheRooms holds the rooms of docs/architecture.md to the tree.
func TestArchitectureListsTheRooms(t *testing.T) {
	page, err := os.ReadFile("../../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		if !strings.Contains(m[1], " ") {
			listed = append(listed, m[1])
		}
	}
	out, err := exec.Command("go", "list", "virtmap/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var rooms []string
	for _, path := range strings.Fields(string(out)) {
		if room, below := strings.CutPrefix(path, "virtmap/"); below {
			rooms = append(rooms, room)
		}
	}
	for _, room := range rooms {
		if !slices.Contains(listed, room) {
			t.Errorf("docs/architecture.md does not list %s", room)
		}
	}
	for _, room := range listed {
		if !slices.Contains(rooms, room) {
			t.Errorf("docs/architecture.md lists %s, which is not there", room)
		}
	}
}
