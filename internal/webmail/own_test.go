package webmail_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"virtmap/internal/outcome"
	"virtmap/internal/smtpd"
	"virtmap/internal/webmail"
)

type (
	aStep struct {
		Map   string `json:"map"`
		Key   string `json:"key"`
		Hit   bool   `json:"hit"`
		Value string `json:"value"`
	}
	aRefusal struct {
		Time    time.Time `json:"time"`
		Client  string    `json:"client"`
		Helo    string    `json:"helo"`
		From    string    `json:"from"`
		Address string    `json:"address"`
		Reply   string    `json:"reply"`
		Trace   []aStep   `json:"trace"`
	}
	anEnvelope struct {
		ID         string    `json:"id"`
		Arrived    time.Time `json:"arrived"`
		Client     string    `json:"client"`
		Helo       string    `json:"helo"`
		TLS        bool      `json:"tls"`
		UTF8       bool      `json:"smtputf8"`
		From       string    `json:"from"`
		Size       int       `json:"size"`
		Recipients []struct {
			Address   string   `json:"address"`
			Named     bool     `json:"named"`
			Mailboxes []string `json:"mailboxes"`
			Trace     []aStep  `json:"trace"`
		} `json:"recipients"`
		Refused []aRefusal                      `json:"refused"`
		Faults  []string                        `json:"faults"`
		Links   []struct{ Text, Target string } `json:"-"`
	}
)

func TestSaysWhereRecipientsEndAndWhy(t *testing.T) {
	s := newSite(t)
	s.box.Line("127.0.0.1:1", "C: MAIL FROM:<x>")
	s.deliver(order, "anna+billing@a.example", "hidden@a.example")
	s.box.Line("127.0.0.1:1", "S: 250 2.0.0 Message accepted")
	s.box.Ended("127.0.0.1:1")
	s.box.Line("127.0.0.1:1", "C: another session from the same port")
	text := s.get("/api/virtmap/v1/message/latest")
	e := decode[anEnvelope](s, strings.Replace(text, `,"links":[]`, "", 1))
	if len(e.Recipients) != 2 || !e.Recipients[0].Named || e.Recipients[1].Named || e.Recipients[1].Mailboxes[0] != "andrei" ||
		e.Recipients[1].Trace[0] != (aStep{"table", "hidden@a.example", true, "anna"}) || e.From != "bounce@shop.example" || e.Helo != "client.example" {
		t.Errorf("the envelope is %s", text)
	}
	if len(e.Refused) != 1 || e.Refused[0].Address != "old@a.example" || e.Refused[0].Reply != "550 5.1.1 Gone" || len(e.Refused[0].Trace) != 1 {
		t.Errorf("refused are %+v", e.Refused)
	}
	if said := s.get("/api/virtmap/v1/message/latest/transcript"); said != "C: MAIL FROM:<x>\nS: 250 2.0.0 Message accepted\n" {
		t.Errorf("the dialogue is %q", said)
	}
	if boxes := decode[map[string]int](s, s.get("/api/virtmap/v1/mailboxes")); boxes["andrei"] != 1 {
		t.Errorf("the mailboxes are %v", boxes)
	}
}

func TestListsRefusalsWithoutAMessage(t *testing.T) {
	box := webmail.NewBox(func(string) ([]outcome.Step, error) { return nil, errors.New("map is missing") })
	for i := range 1100 {
		box.Refused(smtpd.Message{Client: "c", From: "ann@b.example"}, smtpd.Refusal{Address: fmt.Sprintf("a%d@a.example", i), Reply: "451 4.3.0 later"})
	}
	s := siteOf(t, box)
	var all []struct{ Address, Reply, Problem string }
	s.into(s.get("/api/virtmap/v1/refused"), &all)
	if len(all) != 1000 || all[0].Address != "a1099@a.example" || all[0].Problem != "map is missing" {
		t.Errorf("%d are kept, and the newest is %+v", len(all), all[0])
	}
	if s.ask("DELETE", "/api/v1/messages", ""); s.get("/api/virtmap/v1/refused") != "[]\n" {
		t.Error("refusals stay when everything is deleted")
	}
}

func TestWaitsForAMessage(t *testing.T) {
	s := newSite(t)
	if reply, body := s.ask("GET", "/api/virtmap/v1/wait?query=to:anna&timeout=20ms", ""); reply.StatusCode != 404 || body != "no such message has come\n" {
		t.Errorf("without a message: %s %q", reply.Status, body)
	}
	s.deliver(order, "anna@a.example")
	old := decode[aMessage](s, s.get("/api/virtmap/v1/wait?query=to:anna")).ID
	go func() {
		time.Sleep(20 * time.Millisecond)
		s.deliver("To: bea@a.example\n\n", "bea@a.example")
		s.deliver("To: anna@a.example\nSubject: new\n\n", "anna@a.example")
	}()
	if m := decode[aMessage](s, s.get("/api/virtmap/v1/wait?query=to:anna&timeout=10s&after="+old)); m.Subject != "new" {
		t.Errorf("what comes is %+v", m)
	}
	var before, after struct{ Version, Dropped int }
	s.into(s.get("/api/virtmap/v1/changes"), &before)
	go s.deliver(order, "anna@a.example")
	s.into(s.get(fmt.Sprintf("/api/virtmap/v1/changes?timeout=10s&since=%d", before.Version)), &after)
	if after.Version <= before.Version {
		t.Errorf("the version is %d, and was %d", after.Version, before.Version)
	}
}

func TestKeepsTheNewestMessages(t *testing.T) {
	s := newSite(t)
	for i := range 510 {
		s.deliver(fmt.Sprintf("Subject: %d\n\n", i), "anna@a.example")
	}
	list := decode[aList](s, s.get("/api/v1/messages?limit=0"))
	if list.Total != 500 || list.Messages[0].Subject != "509" || list.Messages[499].Subject != "10" {
		t.Errorf("%d are kept", list.Total)
	}
	large := "\n\n" + strings.Repeat("x", 40<<20)
	s.deliver(large, "anna@a.example")
	s.deliver(large, "anna@a.example")
	s.deliver(large+large, "anna@a.example")
	if list := decode[aList](s, s.get("/api/v1/messages")); list.Total != 1 || list.Messages[0].Size < 80<<20 {
		t.Errorf("of messages of 40 and 80 MB %d are kept", list.Total)
	}
	var now struct{ Version, Dropped int }
	if s.into(s.get("/api/virtmap/v1/changes"), &now); now.Dropped != 512 {
		t.Errorf("%d were dropped", now.Dropped)
	}
}
