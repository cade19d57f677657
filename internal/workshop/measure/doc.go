// Package measure measures virtmap. Its test makes large inventories, runs virtmap and
// the installed peers in turn, and prints a table of medians, spreads, memory and ratios.
// docs/performance.md has the command and a table.
//
//	VIRTMAP_MEASURE=100000  the number of addresses
//	VIRTMAP_BEFORE=PATH     an older virtmap, with which every line compares
//
// Without VIRTMAP_MEASURE the test runs once with few addresses, only to show that it
// works. No figure makes the test fail.
package measure
