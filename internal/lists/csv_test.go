package lists

import "testing"

func TestCSV(t *testing.T) {
	check(t, "csv", []situation{
		{"has two columns", "# us\nann@a.example,bob@b.example\n\"x\"\"y@a.example\" , \"bob, carl;dora\neve\"\n",
			"  # us\nf:2 address [ann@a.example] [bob@b.example]\nf:3 address [x\"y@a.example] [bob, carl, dora, eve]\n"},
		{"has more columns", "ann@a.example,bob,1\ncarl@a.example,bob\n",
			"f:1 address [ann@a.example] [bob]\nf:2 address [carl@a.example] [bob]\n" +
				"note The first two columns of f were read, as addresses and their targets: 1 line has more.\n"},
		{"has a header", "id;Destination;E-Mail;active\n1;bob;ann@a.example;1\n2;bob;carl@a.example;f\n3;;dora@a.example;1\n4;x;;1\n",
			"f:2 address [ann@a.example] [bob]\nf:3 left [carl@a.example bob] it is not active\nf:4 left [dora@a.example] it has no target\nf:5 left [x] its column \"E-Mail\" is empty\n" +
				"note f: these columns were read: Destination, E-Mail, active; and these were not: id.\n"},
		{"has a header with other names", "Adresse\tZiel\nann@a.example\tbob\n",
			"f:2 address [ann@a.example] [bob]\n" +
				"note The first line of f was taken as a header with names that are not known; the first two columns were read, as addresses and their targets.\n"},
		{"has no column of targets", "email,name\nann@a.example,Ann\n",
			"f:2 left [ann@a.example] the header names no column of targets, such as goto, destination, target or forward\n"},
		{"goes on behind a fault", "ann@a.example,\"bob\nb\"x@a.example,y\ncarl@a.example,bob\ndora@a.example,\"bob\"\n",
			"f:3 address [carl@a.example] [bob]\nf:4 address [dora@a.example] [bob]\n" +
				"f:1 left [ann@a.example,\"bob] a quotation mark within quotation marks is written twice (column 22)\n" +
				"f:2 left [b\"x@a.example,y] a cell with a quotation mark in it stands within quotation marks, and the mark is written twice (column 2)\n"},
		{"has more cells than its header", "address,goto\nann@a.example,bob,carl\ndora@a.example,bob,\n",
			"f:3 address [dora@a.example] [bob]\nf:2 left [] it has 3 cells, and the header 2: a cell with a comma stands within quotation marks\nnote f: these columns were read: address, goto.\n"},
		{"says its separator", "sep=;\nann@a.example;bob\n", "f:2 address [ann@a.example] [bob]\n"},
		{"comes from a spreadsheet", "\ufeffaddress;target\r\nann@a.example;bob\r\n",
			"f:2 address [ann@a.example] [bob]\nnote f: these columns were read: address, target.\n"},
		{"has blanks between its columns", "ann@a.example bob\n",
			"f:1 left [ann@a.example bob] there is a blank in its address (--from lines:FILE)\nnote f is a list with blanks between addresses and targets: give it as --from lines:f.\n"},
		{"is not in UTF-8", "b\xfcro@a.example,x\nann@a.example,x\n", "f:2 address [ann@a.example] [x]\nf:1 left [büro@a.example x] it is not in UTF-8: save the file in UTF-8\n"},
	})
}

func TestTablesOfPostfixadmin(t *testing.T) {
	check(t, "csv", []situation{
		{"is alias", "address,goto,domain,created,modified,active\nann@a.example,\"ann@a.example,bob@b.example\",a.example,x,y,1\n@a.example,x@a.example,a.example,x,y,0\n",
			"f:2 address [ann@a.example] [ann@a.example, bob@b.example]\nf:3 left [@a.example x@a.example] it is not active\n" +
				"note f: these columns were read: address, goto, active; and these were not: domain, created, modified.\n"},
		{"is mailbox", "\"username\",\"password\",\"name\",\"maildir\",\"quota\",\"local_part\",\"domain\",\"active\"\nann@a.example,$1$x$y,Ann,a.example/ann/,0,ann,a.example,t\n",
			"f:2 mailbox [ann@a.example] [a.example/ann/]\n" +
				"note f: these columns were read: username, maildir, active; and these were not: password, name, quota, local_part, domain.\n"},
		{"is alias_domain", "alias_domain,target_domain,active\nb.example,a.example,1\nc.example,a.example,0\n",
			"f:2 same as [b.example] [a.example]\nf:3 left [c.example a.example] it is not active\nnote f: these columns were read: alias_domain, target_domain, active.\n"},
		{"is domain", "domain,description,transport,backupmx,active\nALL,,,0,1\na.example,x,virtual,0,1\nb.example,,smtp:[192.0.2.1],0,1\nc.example,,relay,1,1\nd.example,,,0,0\n",
			"f:3 domain [a.example] []\nf:4 domain [b.example] []\nf:5 backup [c.example] []\nf:6 left [d.example] it is not active\n" +
				"note f: these columns were read: domain, transport, backupmx, active; and these were not: description.\n" +
				"note f gives 1 of its domains the transport \"smtp:[192.0.2.1]\", which was not read.\n"},
		{"is admin", "username,password,superadmin\nann@a.example,typed,1\n", "f:2 left [ann@a.example] the header names no column of targets, such as goto, destination, target or forward\n"},
	})
}
