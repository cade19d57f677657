// Package lmdb writes, reads, checks and explains LMDB files: the format of
// Postfix's and Exim's lmdb maps. There are two formats, and a program reads only
// that of its own liblmdb:
//
//	Format1  data version 1, every liblmdb 0.9
//	Format3  data version 3, liblmdb 1.0
//
// # The file
//
// Pages of P bytes, a power of two. Numbers are little-endian, and as wide as on a
// 64-bit machine. Page numbers and counts have 8 bytes.
//
//	page 0, page 1   meta pages
//	behind them      leaves, each followed by the big values of its rows
//	at the end       branches, level by level; the last one is the root
//
// Files that liblmdb has changed have their pages in any order, and free pages.
//
// Page header. Format3 has 8 bytes more, the number of a transaction, behind the
// first 8:
//
//	Format1  Format3
//	 0-7      0-7    number of this page
//	          8-15   transaction that wrote it
//	 8-9     16-17   unused, 0
//	10-11    18-19   flags: 1 branch, 2 leaf, 4 big value, 8 meta page
//	12-13    20-21   lower: end of the offsets of the nodes
//	14-15    22-23   upper: offset of the lowest node
//	12-15    20-23   number of pages, where a big value begins
//
// Meta page, behind the header (mdb.c, MDB_meta):
//
//	  0-3    magic        0xbeefc0de
//	  4-7    version      1 or 3
//	  8-15   address      0
//	 16-23   map size     length of the file
//	 24-71   free tree    the tree of the free pages; its pad is P
//	 72-119  main tree    the tree of the rows
//	120-127  last page    highest page number in use; 1 in an empty file
//	128-135  transaction  0 on page 0, 1 on page 1
//
// A tree (mdb.c, MDB_db):
//
//	 0-3   pad       0; P in the free tree
//	 4-5   flags     0; 0x4008 in the free tree
//	 6-7   depth     number of levels; 1: the root is a leaf
//	 8-15  branches  number of branch pages
//	16-23  leaves    number of leaf pages
//	24-31  overflow  number of pages of big values
//	32-39  entries   number of rows
//	40-47  root      page number of the root; all bits set for an empty tree
//
// Both meta pages have the same trees. A reader without a lock file, such as
// Postfix, takes the meta page with the higher transaction. A reader with a lock
// file, such as Exim, takes the page whose number is the lowest bit of the lock
// file's transaction, which may be that of a file which had the name before.
//
// A leaf and a branch have the offsets of their nodes (u16) behind the header, in
// the order of the keys. Nodes grow down from the end of the page, and each begins
// at an even offset. In Format3 the offsets, lower and upper begin to count behind
// the header. A node:
//
//	leaf    0-3  length of the value   branch  0-5  page number of the child
//	        4-5  flags: 1 big value
//	        6-7  length of the key             6-7  length of the key
//	        8-   key, value                    8-   key
//
// In Format3 the value begins at an even offset. The first node of a branch has no
// key. The key of any other node is not greater than the keys below it, and
// greater than the keys below the node before it. A branch has at least two
// children: liblmdb stops the process at a branch with one.
//
// A big value is one whose node, with header and key, would have more than nearly
// half a page (2038 bytes in Format1, 2034 in Format3, for P = 4096). Its node has
// in place of the value
//
//	0-7    first page of the value
//	8-15   transaction      (Format3)
//	16-23  number of pages  (Format3)
//
// The pages follow each other. The first begins with a header, and all the other
// bytes are the value.
//
// # The order of keys
//
// Keys are compared byte by byte, and a key comes before a longer one that it is
// the beginning of: the order of bytes.Compare. liblmdb misses rows of a file in
// another order, and no tool of liblmdb says so.
//
// # Example
//
// Two rows in Format1, 12288 bytes. Each line has an offset, the bytes there and
// their meaning. Page 1 is as page 0, but for its number and its transaction 1.
//
//	0000  0000000000000000 0000 0800 00000000           page 0, a meta page
//	0010  dec0efbe 01000000 0000000000000000            magic, version, address
//	0020  0030000000000000                              map size 12288
//	0028  00100000 0840 0000                            free tree: P 4096, flags
//	0050  ffffffffffffffff                              it is empty
//	0058  00000000 0000 0100                            main tree: depth 1
//	0068  0100000000000000                              one leaf
//	0078  0200000000000000 0200000000000000             two rows, root 2
//	0088  0200000000000000 0000000000000000             last page, transaction
//	2000  0200000000000000 0000 0200 1400 b80f          page 2, a leaf
//	2010  d20f b80f                                     offsets of the nodes
//	2fb8  03000000 0000 0f00 'foo@example.org' 'bar'
//	2fd2  19000000 0000 0c00 '@example.com' 'error:nouser User unknown'
//
// # What is not written
//
// Duplicates, named databases, encryption and checksums are not written. Keys and
// values have no NUL behind them: Postfix finds rows with and without it, Exim only
// without.
// Keys have 1 to 511 bytes, as in every liblmdb 0.9. Free space is not left in
// pages: liblmdb splits a full page when it adds a row.
//
// # Sources
//
// Structures, flags and limits: libraries/liblmdb/mdb.c of liblmdb 0.9.24 and of
// 1.0. The choice of the meta page: mdb_env_pick_meta and mdb_txn_renew0 there. The
// form of keys: Postfix's dict_lmdb.c and Exim's lookups/lmdb.c.
package lmdb

import "encoding/binary"

// PageSize is the size of the pages we write, in bytes. Machines with larger pages
// read and change such files too.
const PageSize = 4096

// MaxKey is the longest key we write, in bytes.
const MaxKey = 511

const (
	magic    = 0xbeefc0de
	metaSize = 136
	treeSize = 48
	nodeHead = 8

	flagBranch = 1
	flagLeaf   = 2
	flagBig    = 4
	flagMeta   = 8
	flagDirty  = 0x10 // says nothing in a file

	nodeBig = 1 // flag of a node whose value is a big one

	// freeFlags are the flags of the free tree: keys are numbers, and the file is
	// in no folder of its own. Postfix leaves the same there.
	freeFlags = 0x4008

	noPage = ^uint64(0) // the root of an empty tree
)

// Offsets of the fields of a meta page, behind its header.
const (
	metaMagic   = 0
	metaVersion = 4
	metaAddress = 8
	metaMapSize = 16
	metaFree    = 24
	metaMain    = 72
	metaLast    = 120
	metaTxn     = 128
)

// Offsets of the fields of a tree.
const (
	treePad      = 0
	treeFlags    = 4
	treeDepth    = 6
	treeBranches = 8
	treeLeaves   = 16
	treeOverflow = 24
	treeEntries  = 32
	treeRoot     = 40
)

// A Format is one of the two formats.
type Format struct {
	version     uint32
	head        int // length of the header of a page
	base        int // where the offsets of nodes begin to count
	align       int // values begin at multiples of it
	bigSize     int // what a node has in place of a big value
	maxPageSize int
}

var (
	// Format1 is the format of liblmdb 0.9.
	Format1 = Format{version: 1, head: 16, base: 0, align: 1, bigSize: 8, maxPageSize: 32768}
	// Format3 is the format of liblmdb 1.0.
	Format3 = Format{version: 3, head: 24, base: 24, align: 2, bigSize: 24, maxPageSize: 65536}
)

// flagsAt, lowerAt, upperAt and pagesAt are the offsets of fields of the header.
func (f *Format) flagsAt() int { return f.head - 6 }
func (f *Format) lowerAt() int { return f.head - 4 }
func (f *Format) upperAt() int { return f.head - 2 }
func (f *Format) pagesAt() int { return f.head - 4 }

// even rounds a length up to an even number.
func even(n int) int { return n + n&1 }

// valueAt is the offset of the value in a node whose key has k bytes.
func (f *Format) valueAt(k int) int { return nodeHead + (k+f.align-1)/f.align*f.align }

// isBig reports whether a value of v bytes is stored on pages of its own.
func (f *Format) isBig(k, v, pageSize int) bool {
	return f.valueAt(k)+v > (pageSize-f.head)/2&^1-2
}

// leafNode is the number of bytes that a row takes at the end of a leaf.
func (f *Format) leafNode(k, v, pageSize int) int {
	if f.isBig(k, v, pageSize) {
		v = f.bigSize
	}
	return even(f.valueAt(k) + v)
}

// branchNode is the number of bytes that a child takes at the end of a branch.
func (f *Format) branchNode(k int) int { return even(nodeHead + k) }

// bigPages is the number of pages of a big value of v bytes.
func (f *Format) bigPages(v, pageSize int) uint64 {
	return (uint64(f.head)-1+uint64(v))/uint64(pageSize) + 1
}

var little = binary.LittleEndian
