package lists

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// seeds are lines of each kind of file.
var seeds = []string{
	"# head\n\n# sales\ninfo@a.example x,\n  y\n# mid\n z\na.example whatever\nk@a.example\n",
	"abuse: tech\nann@a.example ann/\n/^x@/ y\nann@a.example|{SHA512-CRYPT}$6$a$b\n@a.example error:5.1.1:550 no\n",
	"bob@shop.example:{SHA}x:1:2::/home::\nann:secret\nroot:x:0:0:root:/root:/bin/sh\n",
	"address;goto;active;note\na@b.example;\"x, y\";1;z\nq;\"x\nbob@b.example;u@v\n\"a\"\"b\";c",
	"domain,transport,backupmx,active\nALL,virtual,0,1\na.example,smtp:x,1,1\n",
	"username,password,maildir,local_part,active\na@b.example,{PLAIN}a b,c/,a,t\n",
	"# VIRTUAL(5)  VIRTUAL(5)\n# x\n#   VIRTUAL(5)\n# mine\na@b.example {PLAIN}\r b\n",
	"\xef\xbb\xbfb\xfcro@d.example y\n\"half x\n\x00\n ",
	"password = secret\nThis is a text.\nhosts = x\n",
	"-- x\nINSERT INTO a",
}

// texts yields every text of a list.
func texts(list *List) func(func(string) bool) {
	return func(yield func(string) bool) {
		all := slices.Concat(list.Head, list.Tail, list.Notes)
		for _, row := range list.Rows {
			all = append(append(all, row.Where, row.Key, row.Value), row.Above...)
		}
		for _, left := range list.Left {
			all = append(append(all, left.Where, left.Text, left.Why), left.Above...)
		}
		for _, text := range all {
			if !yield(text) {
				return
			}
		}
	}
}

// checkList holds a list to what every list keeps.
func checkList(t *testing.T, text string, list *List) {
	t.Helper()
	for part := range texts(list) {
		if WithoutSecrets(part) != part || !utf8.ValidString(part) || strings.IndexByte(part, 0) >= 0 {
			t.Errorf("%q gives %q", text, part)
		}
	}
	for _, comment := range slices.Concat(list.Head, list.Tail) {
		if !strings.HasPrefix(comment, "#") {
			t.Errorf("%q gives the comment %q", text, comment)
		}
	}
	for _, row := range list.Rows {
		if row.Key == "" || row.Where == "" || row.Value == "" && (row.Is == Address || row.Is == SameAs || row.Is == Alias) {
			t.Errorf("%q gives %+v", text, row)
		}
	}
	for _, left := range list.Left {
		if left.Why == "" || left.Where == "" {
			t.Errorf("%q gives %+v", text, left)
		}
	}
}

// logicalLines counts the logical lines of a text in the plainest way.
func logicalLines(text string, goOn bool) (n int) {
	for whole := range strings.SplitSeq(text, "\n") {
		begin := strings.Trim(whole, white)
		if begin == "" || begin[0] == '#' || goOn && n > 0 && isWhite(whole[0]) {
			continue
		}
		n++
	}
	return n
}

func fuzzKind(f *testing.F, kind string) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list := parse(kind, "f", text)
		checkList(t, text, list)
		if len(list.Left) == 1 && list.Left[0].Text == "" && list.Left[0].Where == "f:1" {
			return // the whole file is left out
		}
		if n := logicalLines(strings.TrimPrefix(text, "\ufeff"), kind != "lines" && kind != "opensmtpd"); kind != "csv" && n != len(list.Rows)+len(list.Left) {
			t.Errorf("%q has %d lines, and there are %d rows and %d others", text, n, len(list.Rows), len(list.Left))
		}
		places := map[string]bool{}
		for _, row := range list.Rows {
			places[row.Where] = true
		}
		for _, left := range list.Left {
			places[left.Where] = true
		}
		if len(places) != len(list.Rows)+len(list.Left) {
			t.Errorf("%q gives a line twice", text)
		}
	})
}

func FuzzPostfix(f *testing.F) { fuzzKind(f, "postfix") }
func FuzzMailbox(f *testing.F) { fuzzKind(f, "mailbox") }
func FuzzAliases(f *testing.F) { fuzzKind(f, "aliases") }
func FuzzCSV(f *testing.F)     { fuzzKind(f, "csv") }
func FuzzLines(f *testing.F)   { fuzzKind(f, "lines") }

func FuzzOpenSMTPD(f *testing.F) { fuzzKind(f, "opensmtpd") }

// FuzzFolders reads the same text as every file of a folder.
func FuzzFolders(f *testing.F) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		read := func(string) ([]byte, error) { return []byte(text), nil }
		names := func(string) ([]string, error) {
			return []string{"postfix-virtual.cf", "postfix-accounts.cf", "postfix-aliases.cf", "postfix-regexp.cf", "alias.csv", "b.txt", "a.example"}, nil
		}
		for _, kind := range []string{"docker-mailserver", "postfixadmin", "exim-virtual"} {
			if list, err := Read(kind, "d", read, names); err == nil {
				checkList(t, text, list)
			}
		}
	})
}

// FuzzWithoutSecrets takes the secrets out twice: the second time nothing changes.
func FuzzWithoutSecrets(f *testing.F) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		once := WithoutSecrets(text)
		if twice := WithoutSecrets(once); twice != once {
			t.Errorf("%q becomes %q, and that %q", text, once, twice)
		}
		if hasSecret(text) != (once != text) {
			t.Errorf("%q becomes %q, and hasSecret is %t", text, once, hasSecret(text))
		}
	})
}
