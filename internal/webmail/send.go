package webmail

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/mail"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"virtmap/internal/smtpd"
)

// A Receiver takes messages as the SMTP receiver does: it routes each recipient, and keeps
// what is accepted. For the call that sends.
type Receiver interface {
	smtpd.Router
	smtpd.Store
}

// SendTo has the call `POST /api/v1/send` give its messages to a receiver, as if they had
// come over SMTP. Without a receiver the call is answered 404.
func (s *Server) SendTo(r Receiver) *Server {
	s.receiver = r
	return s
}

// The shapes of Mailpit for a message that is sent.
type (
	sentJSON struct {
		From                 emailJSON
		To, Cc, ReplyTo      []emailJSON
		Bcc                  []string
		Subject, Text, HTML  string
		Tags                 []string
		Headers              map[string]string
		Attachments          []attachmentJSON
		recipients, problems []string
	}
	emailJSON      struct{ Email, Name string }
	attachmentJSON struct{ Content, Filename, ContentType, ContentID string }
)

// send gives a message to the receiver. Its answer has the ID, or the reply to a recipient
// that was refused when all were.
func (s *Server) send(w http.ResponseWriter, r *http.Request) {
	if s.receiver == nil {
		http.NotFound(w, r)
		return
	}
	var asked sentJSON
	if err := readJSON(r, &asked); err != nil {
		refuseBody(w, err)
		return
	}
	body, err := asked.compose(time.Now())
	if err != nil {
		writeProblem(w, err.Error())
		return
	}
	m := smtpd.Message{Client: r.RemoteAddr, Helo: "api", From: asked.From.Email, Body: body}
	for _, to := range asked.recipients {
		if answer := s.receiver.Route(to); answer.Taken {
			m.Recipients = append(m.Recipients, smtpd.Recipient{Address: to, Mailboxes: answer.Mailboxes})
		} else {
			no := smtpd.Refusal{Address: to, Reply: cmp.Or(answer.Reply, fmt.Sprintf("%d %s %s", answer.Code, answer.Status, answer.Text))}
			s.box.Refused(m, no)
			m.Refused = append(m.Refused, no)
		}
	}
	switch {
	case len(m.Recipients) == 0 && len(m.Refused) == 0:
		writeProblem(w, "the message has no recipient")
	case len(m.Recipients) == 0:
		writeProblem(w, m.Refused[0].Reply)
	default:
		s.keep(w, m, asked.Tags)
	}
}

// keep delivers a message, and answers with its ID.
func (s *Server) keep(w http.ResponseWriter, m smtpd.Message, tags []string) {
	if err := s.receiver.Deliver(m); err != nil {
		writeProblem(w, "451 4.3.0 "+err.Error())
		return
	}
	all, _, _ := s.box.all()
	i := slices.IndexFunc(all, func(v view) bool { return v.Client == m.Client && bytes.Equal(v.Body, m.Body) })
	if i < 0 {
		writeProblem(w, "the message is not kept any more")
		return
	}
	if len(tags) > 0 {
		cleaned := cleanTags(tags)
		s.box.update(ofIDs([]string{all[i].ID}), func(e *entry) { e.tags, e.tagged = cleaned, true })
	}
	writeJSON(w, struct{ ID string }{all[i].ID})
}

// writeProblem answers in the one shape that Mailpit has for a problem as JSON.
func writeProblem(w http.ResponseWriter, problem string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	writeJSON(w, struct{ Error string }{problem})
}

// compose writes the message, and notes its recipients.
func (j *sentJSON) compose(now time.Time) ([]byte, error) {
	var out bytes.Buffer
	j.addresses(&out, "From", []emailJSON{j.From})
	j.addresses(&out, "To", j.To)
	j.addresses(&out, "Cc", j.Cc)
	for _, to := range [][]emailJSON{j.To, j.Cc} {
		for _, one := range to {
			j.recipients = append(j.recipients, one.Email)
		}
	}
	j.addresses(&out, "Reply-To", j.ReplyTo)
	for _, bcc := range j.Bcc {
		j.plain(bcc)
		j.recipients = append(j.recipients, bcc)
	}
	j.field(&out, "Subject", mime.QEncoding.Encode("utf-8", j.Subject))
	j.field(&out, "Date", now.Format(time.RFC1123Z))
	for _, name := range slices.Sorted(maps.Keys(j.Headers)) {
		if textproto.TrimString(name) != name || name == "" || strings.ContainsAny(name, ": \t\r\n") {
			j.problems = append(j.problems, fmt.Sprintf("%q is no name of a header", name))
		}
		j.field(&out, name, mime.QEncoding.Encode("utf-8", j.Headers[name]))
	}
	err := j.content(&out)
	if len(j.problems) > 0 {
		return nil, fmt.Errorf("%s", strings.Join(j.problems, "; "))
	}
	return out.Bytes(), err
}

// plain notes an address that a SMTP client could not send.
func (j *sentJSON) plain(address string) {
	if a, err := mail.ParseAddress(address); err != nil || a.Address != address {
		j.problems = append(j.problems, fmt.Sprintf("%q is no address", address))
	}
}

func (j *sentJSON) addresses(out *bytes.Buffer, name string, all []emailJSON) {
	var list []string
	for _, one := range all {
		j.plain(one.Email)
		list = append(list, (&mail.Address{Name: one.Name, Address: one.Email}).String())
	}
	if len(list) > 0 {
		j.field(out, name, strings.Join(list, ",\r\n "))
	}
}

func (j *sentJSON) field(out *bytes.Buffer, name, value string) {
	if strings.ContainsAny(strings.ReplaceAll(value, ",\r\n ", ""), "\r\n") {
		j.problems = append(j.problems, name+" has more than one line")
	}
	fmt.Fprintf(out, "%s: %s\r\n", name, value)
}

// content writes the texts and the attachments as the parts of the message.
func (j *sentJSON) content(out *bytes.Buffer) error {
	parts := multipart.NewWriter(out)
	fmt.Fprintf(out, "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=%s\r\n\r\n", parts.Boundary())
	var texts bytes.Buffer
	alternatives := multipart.NewWriter(&texts)
	for _, text := range []struct{ kind, content string }{{"text/plain", j.Text}, {"text/html", j.HTML}} {
		if text.content != "" {
			h := textproto.MIMEHeader{"Content-Type": {text.kind + "; charset=utf-8"}}
			if err := writePart(alternatives, h, []byte(text.content)); err != nil {
				return err
			}
		}
	}
	if err := alternatives.Close(); err != nil {
		return err
	}
	w, err := parts.CreatePart(textproto.MIMEHeader{"Content-Type": {"multipart/alternative; boundary=" + alternatives.Boundary()}})
	if err == nil {
		_, err = w.Write(texts.Bytes())
	}
	for i := 0; err == nil && i < len(j.Attachments); i++ {
		err = j.Attachments[i].write(parts)
	}
	if err != nil {
		return err
	}
	return parts.Close()
}

func (a *attachmentJSON) write(parts *multipart.Writer) error {
	content, err := base64.StdEncoding.DecodeString(a.Content)
	if err != nil {
		return fmt.Errorf("the attachment %q is no base64: %w", a.Filename, err)
	}
	kind := cmp.Or(a.ContentType, http.DetectContentType(content))
	if _, _, err := mime.ParseMediaType(kind); err != nil {
		return fmt.Errorf("%q is no content type", kind)
	}
	h := textproto.MIMEHeader{"Content-Type": {kind}, "Content-Disposition": {mime.FormatMediaType("attachment", map[string]string{"filename": a.Filename})}}
	if a.ContentID != "" {
		if strings.ContainsAny(a.ContentID, "<>\r\n ") {
			return fmt.Errorf("%q is no Content-ID", a.ContentID)
		}
		h["Content-ID"] = []string{"<" + a.ContentID + ">"}
		h["Content-Disposition"] = []string{mime.FormatMediaType("inline", map[string]string{"filename": a.Filename})}
	}
	return writePart(parts, h, content)
}

// writePart writes a part in base64, in lines of 76 letters.
func writePart(parts *multipart.Writer, h textproto.MIMEHeader, content []byte) error {
	h["Content-Transfer-Encoding"] = []string{"base64"}
	w, err := parts.CreatePart(h)
	if err != nil {
		return err
	}
	text := []byte(base64.StdEncoding.EncodeToString(content))
	for line := range slices.Chunk(text, 76) {
		if _, err := w.Write(append(slices.Clone(line), "\r\n"...)); err != nil {
			return err
		}
	}
	return nil
}
