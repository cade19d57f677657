package webmail

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"virtmap/internal/message"
)

// The shapes of Mailpit's interface. They have its fields and no others, because clients
// that were generated from its description may refuse more.

type listJSON struct {
	Total          int           `json:"total"`
	Unread         int           `json:"unread"`
	Count          int           `json:"count"`
	MessagesCount  int           `json:"messages_count"`
	MessagesUnread int           `json:"messages_unread"`
	Start          int           `json:"start"`
	Tags           []string      `json:"tags"`
	Messages       []summaryJSON `json:"messages"`
}

type addressJSON struct{ Name, Address string }

type summaryJSON struct {
	ID, MessageID        string
	Read                 bool
	From                 addressJSON
	To, Cc, Bcc, ReplyTo []addressJSON
	Subject              string
	Created              time.Time
	Username             string
	Tags                 []string
	Size, Attachments    int
	Snippet              string
}

type messageJSON struct {
	ID, MessageID        string
	From                 addressJSON
	To, Cc, Bcc, ReplyTo []addressJSON
	ReturnPath, Subject  string
	ListUnsubscribe      unsubscribeJSON
	Date                 time.Time
	Tags                 []string
	Username, Text, HTML string
	Size                 int
	Inline, Attachments  []partJSON
}

type unsubscribeJSON struct {
	Header     string
	Links      []string
	Errors     string
	HeaderPost string
}

type partJSON struct {
	PartID, FileName, ContentType, ContentID string
	Size                                     int
	Checksums                                struct{ MD5, SHA1, SHA256 string }
}

func addressesJSON(list []message.Address) []addressJSON {
	all := []addressJSON{}
	for _, a := range list {
		all = append(all, addressJSON(a))
	}
	return all
}

func summaryOf(v view) summaryJSON {
	d := v.parsed()
	return summaryJSON{ID: v.ID, MessageID: d.messageID, Read: v.read, From: addressJSON(d.from), To: addressesJSON(d.to), Cc: addressesJSON(d.cc),
		Bcc: addressesJSON(d.bcc), ReplyTo: addressesJSON(d.replyTo), Subject: d.subject, Created: v.arrived.Truncate(time.Millisecond),
		Tags: append([]string{}, v.tags...), Size: len(v.Body), Attachments: d.attachments, Snippet: d.snippet}
}

func messageOf(v view, m *message.Mail) messageJSON {
	d, h := v.parsed(), m.Header
	out := messageJSON{ID: v.ID, MessageID: d.messageID, From: addressJSON(d.from), To: addressesJSON(d.to), Cc: addressesJSON(d.cc),
		Bcc: addressesJSON(d.bcc), ReplyTo: addressesJSON(d.replyTo), ReturnPath: v.From, Subject: d.subject, ListUnsubscribe: unsubscribeOf(h),
		Date: v.arrived, Tags: append([]string{}, v.tags...), Text: m.Text, HTML: m.HTML, Size: len(v.Body),
		Inline: partsJSON(m.Inline), Attachments: partsJSON(m.Attachments)}
	if out.ReturnPath == "" {
		out.ReturnPath = d.from.Address
	}
	if at, ok := h.Date(); ok {
		out.Date = at
	}
	if m.Text == "" && m.HTML != "" {
		out.Text = message.HTMLText(m.HTML)
	}
	return out
}

func partsJSON(parts []*message.Part) []partJSON {
	all := []partJSON{}
	for _, p := range parts {
		out := partJSON{PartID: p.ID, FileName: p.FileName, ContentType: p.Type, ContentID: p.ContentID, Size: len(p.Content)}
		if out.FileName == "" {
			out.FileName = p.ContentID
		}
		md, s1, s256 := md5.Sum(p.Content), sha1.Sum(p.Content), sha256.Sum256(p.Content)
		out.Checksums.MD5, out.Checksums.SHA1, out.Checksums.SHA256 = hex.EncodeToString(md[:]), hex.EncodeToString(s1[:]), hex.EncodeToString(s256[:])
		all = append(all, out)
	}
	return all
}

// unsubscribeOf reads List-Unsubscribe (RFC 2369) and its Post (RFC 8058).
func unsubscribeOf(h message.Header) unsubscribeJSON {
	out := unsubscribeJSON{Header: h.Get("List-Unsubscribe"), Links: []string{}, HeaderPost: h.Get("List-Unsubscribe-Post")}
	for _, piece := range strings.Split(cut(out.Header, 4000), "<")[1:] {
		if link, _, ok := strings.Cut(piece, ">"); ok {
			out.Links = append(out.Links, strings.TrimSpace(link))
		}
	}
	if out.Header != "" && len(out.Links) == 0 {
		out.Errors = "no link is in angle brackets"
	}
	return out
}

// list returns a page of views. all are those of the whole box.
func list(all, found []view, start, limit int) listJSON {
	out := listJSON{Total: len(all), MessagesCount: len(found), Start: start, Tags: []string{}, Messages: []summaryJSON{}}
	for _, v := range all {
		out.Tags = append(out.Tags, v.tags...)
		if !v.read {
			out.Unread++
		}
	}
	slices.Sort(out.Tags)
	out.Tags = slices.Compact(out.Tags)
	for _, v := range found {
		if !v.read {
			out.MessagesUnread++
		}
	}
	if limit == 0 {
		start, limit = 0, len(found)
	}
	start = min(start, len(found))
	for _, v := range found[start : start+min(limit, len(found)-start)] {
		out.Messages = append(out.Messages, summaryOf(v))
	}
	out.Count = len(out.Messages)
	return out
}
