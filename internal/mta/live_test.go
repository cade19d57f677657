package mta

import (
	"testing"
	"time"
)

// notFound is a configuration that is not found: its gap has no file.
type notFound struct{ Conf }

func (notFound) Reading(Build, string, time.Time, Remembered) Reading {
	return Reading{Gaps: []Gap{{What: "it is not found"}, {Path: "/etc/main.cf", What: "it lacks a line"}}}
}

// TestComplaintsHaveAPlace: the folder is the place of a gap without a file.
func TestComplaintsHaveAPlace(t *testing.T) {
	all := Complaints(notFound{}, Audited{Dir: "/etc/mail"})
	if len(all) != 2 || all[0].Place != "/etc/mail" || all[1].Place != "/etc/main.cf" {
		t.Errorf("they are %+v", all)
	}
}

// TestNoAccount: another machine is proposed only if this one has another name.
func TestNoAccount(t *testing.T) {
	here, other := Audited{}, Audited{Other: "mx1.example.net"}
	if got := here.NoAccount("mail.yaml:3:8", "anna").Mend; got != "useradd anna" {
		t.Errorf("on the server itself it is %q", got)
	}
	if got := other.NoAccount("mail.yaml:3:8", "anna").Mend; got != "useradd anna, or run this on mx1.example.net" {
		t.Errorf("elsewhere it is %q", got)
	}
}
