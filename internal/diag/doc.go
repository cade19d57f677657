// Package diag reports faults in a text that a person wrote, with their places.
//
// A reader of texts adds each text to a Sources. It keeps a place as a Pos, which
// has four bytes, and collects Faults in a List. A Printer prints the list, sorted
// by place:
//
//	mail.yaml:42:13: error[VM031]: target "jnae" is not a declared user
//	   42 |       sales: jnae
//	      |              ^^^^
//	mail.yaml:42:13: help: the nearest declared user is "jane"
//
// Lines and columns begin with 1, and a column is a number of characters. Every
// fault is made from a Check, which the package that finds the fault declares.
// Each Check has an id, and a severity that the inventory may change.
package diag
