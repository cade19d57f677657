// Package measure measures virtmap. Its test makes large inventories, runs virtmap and
// the installed peers in turn, and prints a table of medians, spreads and ratios.
// docs/performance.md has the command and a table.
//
// VIRTMAP_MEASURE is the number of addresses. Without it the test runs once with few
// addresses, only to show that it works. No figure makes the test fail.
package measure
