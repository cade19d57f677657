// Package diag says what is wrong with a text a person wrote, and where.
//
// A reader adds every text to a Sources, keeps places as Pos (four bytes
// each), collects Faults in a List, and prints the sorted list once:
//
//	mail.yaml:42:13: error[VM031]: target "jnae" is not a declared user
//	   42 |       sales: jnae
//	      |              ^^^^
//	mail.yaml:42:13: help: the nearest declared user is "jane"
//
// Lines and columns count from 1; columns count characters, not bytes.
// Every fault is made from a Check that its package declares.
package diag
