// Package measure is the one command that measures: it makes inventories from
// a seed, runs virtmap and every peer that is installed in turn, and prints a
// table of medians, spreads, memory and ratios. docs/performance.md has the
// command and what it printed. With VIRTMAP_BEFORE, an older virtmap, every row
// has what that one takes too.
//
// Without VIRTMAP_MEASURE, the number of addresses, its tests run once with
// few, so that the command cannot rot; they hold no figure against anything.
package measure
