// Package lists reads lists of virtual addresses that another server, another program or
// a person keeps. Read takes the kind of a list and the name of a file or folder, and gives
// plain rows. It judges nothing about where mail goes: a target may be wrong, a key may stand
// twice, and domains may be no domains of the server. The caller judges.
//
// # Kinds
//
//	postfix            virtual(5), also a virtusertable of sendmail
//	mailbox            the map of virtual_mailbox_maps, addresses alone, or accounts with passwords
//	aliases            aliases(5)
//	csv                a table with addresses and targets
//	lines              address and targets on each line
//	docker-mailserver  a folder: the configuration of docker-mailserver
//	postfixadmin       a folder: tables of postfixadmin in CSV
//	exim-virtual       a folder: a file for each domain, which Exim reads with lsearch
//	opensmtpd          a table of virtual addresses of OpenSMTPD
//	domains            domains, one on each line
//
// # Lines
//
// The kinds postfix, mailbox and aliases are read as postmap(1) reads them. A line that
// begins with a blank goes on with the line before, even behind comments and empty lines. A
// comment has # as its first sign, and stands on a line of its own. The key ends at the first
// blank outside quotes. Carriage returns are blanks. What postmap leaves out is no row: a key
// without a value, a line with a quotation mark that has no end, a line that is not in UTF-8.
// A byte order mark at the top is taken away.
//
//	info@shop.example   ann, bob@far.example
//	shop.example        anything           the domain is served
//	@old.example        @shop.example
//	ann                 bob                a bare name
//	old@shop.example    error:5.1.1:550 no such user
//
// Targets are separated by commas or blanks. In a Row there is a comma and a blank between
// two of them. A value that begins with "error:", or that has < or (, is kept as written.
//
// In a list of kind lines no line goes on with another, and a domain alone is an address
// like any other key.
//
// # Mailboxes
//
//	ann@shop.example  shop.example/ann/    a path
//	ann@shop.example  ann@shop.example     no path: the address again, or OK, x or 1
//	ann@shop.example                       no path
//	ann@shop.example|{SCHEME}hash          no path (docker-mailserver)
//	ann@shop.example:{SCHEME}hash:1:2::/h  no path (passwd-file of Dovecot)
//	shop.example      anything             the domain is served
//
// # CSV
//
// The separator is the first comma, semicolon or tab outside quotes, or what a first line
// "sep=;" says. Lines that begin with # are comments. A cell in quotes may have ends of lines
// (RFC 4180). If the first line is a header, the columns are chosen by their names, in
// capital or small letters and in this order:
//
//	addresses  address, source, alias, email, username, from
//	targets    goto, destination(s), target(s), to, forward(s), forwarder(s)
//	active     0, false, no, n, f and off leave the line out
//
// Without a header these are the first two columns. Targets within a cell are separated by
// commas, semicolons or white space. A table with a column password and without targets is one
// of mailboxes. Notes say which columns were read, unless there are two and no header.
//
// Tables of postfixadmin are known by their headers, in any file of csv too:
//
//	alias         address, goto, active
//	mailbox       username, maildir or local_part, active
//	alias_domain  alias_domain, target_domain, active
//	domain        domain, transport or backupmx, active; a domain ALL is none, and is passed over
//
// In a folder of postfixadmin the names of files do not count. Its tables that say nothing about
// recipients, such as admin and log, are passed over.
//
// # docker-mailserver
//
// postfix-virtual.cf, postfix-accounts.cf and postfix-aliases.cf are read. Further files that
// decide about recipients are in Left, one line each: postfix-regexp.cf, postfix-main.cf,
// postfix-master.cf, postfix-receive-access.cf, the ldap-*.cf and user-patches.sh. A file with
// comments alone is none.
//
// # Exim
//
// Files of lsearch (Exim's specification, chapter 9) with the data of a redirect router
// (chapter 22). The name of a file is its domain; a file with the name of a copy, such as
// a.example.bak, is not read, and a Note says so.
//
//	info:   ann, bob@far.example
//	old:    :fail: 550 5.1.1 Ann has left
//	busy:   :defer: being moved
//	*:      ann                    names that are not listed
//
// A line that begins with a blank goes on with the line right before it. A comment has # as
// the first character of its line.
//
// A refusal becomes the Value of a virtusertable, error:5.1.1:550 Ann has left. Lines with
// :blackhole:, :unknown: and :include: are in Left. ReadData keeps all of this as written, and
// leaves out keys with an @, because Exim looks up the name alone.
//
// # OpenSMTPD
//
//	info@shop.example   ann, bob@far.example
//	old@shop.example    error:550 Ann has left
//	@shop.example:      ann
//
// A name alone, which stands for the name at every domain, is in Left. ReadData has it as a
// row, and keeps every value as written.
//
// # Comments
//
// The comments at the top, up to the first blank line, are the Head of a List. Other comments
// are Above the row or the line that follows, and those behind the last one are the Tail. The
// manual page that files of Postfix bring with them as a comment is left out, wherever it
// stands: from a line "# VIRTUAL(5)   VIRTUAL(5)" to the last line "#   VIRTUAL(5)".
//
// # What is left out
//
// Every line that is neither a row nor a comment is in Left with its reason, and no line stops
// the others. A line that belongs to a list of another kind is named as such, and if most lines
// of a file do, a Note says what the file is. Of a file that is encrypted, a map, a spreadsheet, a
// dump of SQL, prose or a configuration file, Left has a single line without any text.
//
// # Secrets
//
// Passwords are never kept, whether hashed or not: what stands behind the address in a line of
// accounts, and columns that are not read, are dropped. What looks like the hash of a password
// elsewhere is replaced by {…} (see WithoutSecrets), and a row is not made of it. A password in
// plain text in a place of its own, such as the second column of a table without a header, cannot
// be told from a target.
package lists
