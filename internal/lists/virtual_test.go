package lists

import "testing"

func TestVirtual(t *testing.T) {
	check(t, "postfix", []situation{
		{"keeps the head at the head, and sections above their rows", "# ours\n\n# sales\ninfo@a.example ann\n# end\n",
			"head # ours\n  # sales\nf:4 address [info@a.example] [ann]\ntail # end\n"},
		{"goes on with a line behind comments and empty lines", "a@a.example x,\n  y\r\n# mid\n\n\tz\nb@a.example x\n",
			"  # mid\nf:1 address [a@a.example] [x, y, z]\nf:6 address [b@a.example] [x]\n"},
		{"takes a domain with any value", "a.example DOMAIN, x\n", "f:1 domain [a.example] []\n"},
		{"keeps quotes and a refusal as written", "\"a b\"@a.example x\n@a.example error:5.1.1:550 no, never\n",
			"f:1 address [\"a b\"@a.example] [x]\nf:2 address [@a.example] [error:5.1.1:550 no, never]\n"},
		{"keeps what a virtusertable has", "a@a.example %1@b.example\n@a.example @b.example\nann bob\n",
			"f:1 address [a@a.example] [%1@b.example]\nf:2 address [@a.example] [@b.example]\nf:3 address [ann] [bob]\n"},
		{"keeps an address that leads to itself", "me@shop.example me@shop.example\ninfo@shop.example me@shop.example\n",
			"f:1 address [me@shop.example] [me@shop.example]\nf:2 address [info@shop.example] [me@shop.example]\n"},
		{"leaves out what postmap leaves out", " a@a.example x\nb@a.example\nc@a.example \"x\"\n\"half x\nb\xfcro@a.example y\nd@a.example ,\n",
			"f:3 address [c@a.example] [\"x\"]\n" +
				"f:1 left [a@a.example x] it begins with a blank, and there is no line with which it could go on\n" +
				"f:2 left [b@a.example] it has no value, and postmap(1) leaves it out\n" +
				"f:4 left [\"half x] a quotation mark in it has no end\n" +
				"f:5 left [büro@a.example y] it is not in UTF-8: save the file in UTF-8\n" +
				"f:6 left [d@a.example ,] it has no target\n"},
		{"takes a byte order mark away", "\ufeffa@a.example x",
			"f:1 address [a@a.example] [x]\nnote f begins with a byte order mark, which mail servers take as part of the first key; it is read here without the mark.\n"},
		{"reads comments in ISO 8859-1", "# B\xfcro\na@a.example x\n", "  # Büro\nf:2 address [a@a.example] [x]\n"},
		{"keeps a target's comment as written", "a@a.example Ann <ann@b.example>, bob\n", "f:1 address [a@a.example] [Ann <ann@b.example>, bob]\n"},
		{"is an empty text", "", ""},
	})
}

func TestLines(t *testing.T) {
	check(t, "lines", []situation{
		{"takes blanks and commas between targets", "a@a.example b c,d\n  b@a.example\tx  # why\n",
			"f:1 address [a@a.example] [b, c, d]\nf:2 address [b@a.example] [x, #, why]\n"},
		{"has no domains alone", "a.example x\n", "f:1 address [a.example] [x]\n"},
		{"names a sign", "a@a.example -> b\nb@a.example c\nc@a.example d\n",
			"f:2 address [b@a.example] [c]\nf:3 address [c@a.example] [d]\nf:1 left [a@a.example -> b] there is a sign behind its address: write a blank alone\n"},
	})
}

func TestManual(t *testing.T) {
	manual := "# VIRTUAL(5)        VIRTUAL(5)\n# \n# NAME\n# VIRTUAL(5) is one\n#        VIRTUAL(5)\n# more\n#        VIRTUAL(5)\n"
	check(t, "postfix", []situation{
		{"is the whole file", manual, ""},
		{"stands in front of the head", manual + "# ours\n\n# sales\na@a.example x\n", "head # ours\n  # sales\nf:11 address [a@a.example] [x]\n"},
		{"stands behind the head", "# ours\n" + manual + "# sales\na@a.example x\n", "head # ours\n  # sales\nf:10 address [a@a.example] [x]\n"},
		{"stands between rows", "a@a.example x\n# b\n" + manual + "b@a.example x\n", "f:1 address [a@a.example] [x]\n  # b\nf:10 address [b@a.example] [x]\n"},
		{"has no end", "# VIRTUAL(5)  VIRTUAL(5)\n# x\n\na@a.example x\n", "head # VIRTUAL(5)  VIRTUAL(5)\nhead # x\nf:4 address [a@a.example] [x]\n"},
	})
}

func TestMailbox(t *testing.T) {
	check(t, "mailbox", []situation{
		{"has a path", "q@shop.example shop.example/q/\n@shop.example all/\nshop.example x\n",
			"f:1 mailbox [q@shop.example] [shop.example/q/]\nf:2 mailbox [@shop.example] [all/]\nf:3 domain [shop.example] []\n"},
		{"has no path", "p@shop.example P@shop.example\nann@shop.example OK\nbob@shop.example\nshop.example\n",
			"f:1 mailbox [p@shop.example] []\nf:2 mailbox [ann@shop.example] []\nf:3 mailbox [bob@shop.example] []\nf:4 domain [shop.example] []\n"},
		{"is a list of accounts", "ann@shop.example|{SHA512-CRYPT}$6$salt$hash\nbob@shop.example|{PLAIN}a b|userdb_x=1\ncarl@shop.example:{SHA}x:1:2::/home/c::\ndora@shop.example|typed in\n",
			"f:1 mailbox [ann@shop.example] []\nf:2 mailbox [bob@shop.example] []\nf:3 mailbox [carl@shop.example] []\nf:4 mailbox [dora@shop.example] []\n"},
		{"names what is none", "ann:typed\nbob|typed\neve@shop.example far@far.example\ncarl carl/\n#dora@shop.example|typed\n",
			"f:1 left [ann:{…}] there is no domain in its key\n" +
				"f:2 left [bob|{…}] there is no domain in its key\n" +
				"f:3 left [eve@shop.example far@far.example] it is a line of virtual(5) (--from postfix:FILE)\n" +
				"f:4 left [carl carl/] there is no domain in its key\n" +
				"tail #dora@shop.example|{…}\n"},
	})
}

func TestAliases(t *testing.T) {
	check(t, "aliases", []situation{
		{"goes on with a line", "# us\nroot: ann,\n\tbob\n\"a b\" : x\nlist: :include:/etc/list\nrun: \"|/bin/x -y: ${HOME}/z\"\n",
			"  # us\nf:2 alias [root] [ann,\tbob]\nf:4 alias [\"a b\"] [x]\nf:5 alias [list] [:include:/etc/list]\nf:6 alias [run] [\"|/bin/x -y: ${HOME}/z\"]\n"},
		{"names what is none", "root:\n: x\nann@shop.example bob\nbob\nann@shop.example:{SHA}x:1:2:::\n",
			"f:1 left [root:] it has no value, and Postfix leaves it out\n" +
				"f:2 left [: x] there is no name before its colon\n" +
				"f:3 left [ann@shop.example bob] it is a line of virtual(5) (--from postfix:FILE)\n" +
				"f:4 left [bob] there is no colon behind a name in it\n" +
				"f:5 left [ann@shop.example:{…}] it is an account with its password (--from mailbox:FILE)\n"},
	})
}
