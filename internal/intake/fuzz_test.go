package intake_test

import (
	"strings"
	"testing"

	"virtmap/internal/intake"
)

// FuzzFrom reads any text as each kind of list: what comes of it is an inventory
// without faults, or an error, and every line is in it or named.
func FuzzFrom(f *testing.F) {
	f.Add("a@b.example x, y\n@c.example @b.example\n# z\nb.example\n", 0)
	f.Add("a@b.example\tb/a\n", 1)
	f.Add("address;target\na@b.example;\"x, y\"\n", 2)
	f.Add("a+b@c.example error:5.1.1:\"550 no\"\nx |y\n", 3)
	f.Add("A@0 x\n\xa00@a x\n", 3)
	f.Add("@a.example x \x00\ny@a.example A+\"0 x, X\n", 3)
	f.Fuzz(func(t *testing.T, text string, kind int) {
		source := intake.Source{Kind: intake.Kinds[uint(kind)%uint(len(intake.Kinds))], Name: "list", Text: text}
		s, err := intake.From("mx1.example.net", "/var/mail", []intake.Source{source}, func(name string) bool { return !strings.HasPrefix(name, "virtmap-") })
		if err != nil {
			return
		}
		inv, err := s.Inventory("mail.yaml")
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		damaged := strings.Contains(strings.ToLower(text), "error:") || strings.Contains(inv.Text, "# The row was ") // meant, or answered, otherwise: the proof lists it
		if p := prove(t, s, inv); !p.Harmless() && inv.Left == 0 && !damaged {
			t.Errorf("%q becomes\n%s\nand %+v differs", text, inv.Text, p.Found[0])
		}
	})
}
