package lists

import "strings"

// A mark is what a file of another kind begins with.
type mark struct {
	at    int // offset of the bytes
	bytes string
	why   string
}

const (
	isEncrypted  = "the file is encrypted: decrypt it, and give its text"
	isMap        = "the file is a map that postmap(1) made: give the text of which it was made, or import the whole server"
	isCompressed = "the file is compressed: give its text"
	isOffice     = "the file is a spreadsheet or an archive: save the table as CSV in UTF-8"
	isUTF16      = "the file is in UTF-16: save it in UTF-8"
	isWebPage    = "the file is a page of the web, and no list"
	isDump       = "the file is a dump of SQL: export the tables as CSV, each with its header"
	isLDIF       = "the file is a directory in LDIF, which is not read"
	isStructured = "the file is JSON or XML, and no list"
	isBinary     = "the file is no text"
)

// marks are the beginnings of files that are no lists. Capital letters in them do not
// count.
var marks = []mark{
	{0, "\x00gitcrypt\x00", isEncrypted},
	{0, "$ansible_vault;", isEncrypted},
	{0, "age-encryption.org/", isEncrypted},
	{0, "-----begin age encrypted file", isEncrypted},
	{0, "-----begin pgp message", isEncrypted},
	{0, "salted__", isEncrypted}, // openssl enc
	{12, "\x61\x15\x06\x00", isMap},
	{12, "\x00\x06\x15\x61", isMap},
	{12, "\x62\x31\x05\x00", isMap},
	{12, "\x00\x05\x31\x62", isMap},
	{16, "\xde\xc0\xef\xbe", isMap}, // LMDB
	{0, "\x1f\x8b", isCompressed},
	{0, "bzh", isCompressed},
	{0, "\xfd7zxz\x00", isCompressed},
	{0, "\x28\xb5\x2f\xfd", isCompressed},
	{0, "pk\x03\x04", isOffice},
	{0, "\xd0\xcf\x11\xe0", isOffice},
	{0, "\xff\xfe", isUTF16},
	{0, "\xfe\xff", isUTF16},
	{0, "%pdf-", isBinary},
	{0, "<!doctype", isWebPage},
	{0, "<html", isWebPage},
	{0, "<?xml", isStructured},
	{0, "<?php", "the file is a program, and no list"},
	{0, "#!", "the file is a program, and no list"},
	{0, "dn: ", isLDIF},
	{0, "version: 1\ndn: ", isLDIF},
	{0, `{"`, isStructured},
	{0, "{\n", isStructured},
	{0, "[\n", isStructured},
	{0, "[{", isStructured},
}

// wholeFile returns why no line of a file can be read, or an empty text.
func wholeFile(text string) string {
	if isSOPS(text) {
		return isEncrypted
	}
	if isSQL(text) {
		return isDump
	}
	begin := strings.TrimLeft(strings.ReplaceAll(text[:min(len(text), 256)], "\r", ""), " \t\n")
	for _, m := range marks {
		from := begin
		if m.bytes[0] < ' ' || m.bytes[0] > '~' || m.at > 0 {
			from = text
		}
		if end := m.at + len(m.bytes); len(from) >= end && strings.EqualFold(from[m.at:end], m.bytes) {
			return m.why
		}
	}
	if strings.IndexByte(text[:min(len(text), 8<<10)], 0) >= 0 {
		if len(text) >= 2048 {
			return isBinary + ": if it is a map that postmap(1) made, give the text of which it was made, or import the whole server"
		}
		return isBinary
	}
	return ""
}

// isSOPS reports whether sops(1) encrypted a file. It writes the values as ENC[…], and
// its own data behind them.
func isSOPS(text string) bool {
	return strings.Contains(text, "ENC[AES256_GCM,") && strings.Contains(text, "sops")
}

// isSQL reports whether a text is a dump of a database: it begins with a comment or a
// command of SQL, and fills tables.
func isSQL(text string) bool {
	begin := strings.ToUpper(strings.TrimLeft(text[:min(len(text), 256)], white))
	for _, word := range []string{"--", "/*", "CREATE ", "INSERT ", "DROP ", "SET ", "PRAGMA ", "BEGIN"} {
		if strings.HasPrefix(begin, word) {
			return strings.Contains(text, "INSERT INTO ") || strings.Contains(text, "CREATE TABLE ")
		}
	}
	return false
}
