// Package hashdb writes, reads, checks and explains Berkeley DB hash files,
// version 9: the format of sendmail's and Postfix's hash maps, as every libdb
// from 4.6 to 5.3 writes it.
//
// # The file
//
// Pages of P bytes, a power of two; numbers are little-endian in what we write
// and in the byte order of the writing machine in what we read.
//
//	page 0          metadata
//	page 1 … 2^l    the bucket area: bucket b begins on page b+1
//	behind it       further pages of buckets, and pages of big values
//
// Metadata page (db_page.h, DBMETA and HMETA):
//
//	 0-7    lsn           file 0, offset 1: not logged
//	 8-11   pgno          0
//	12-15   magic         0x061561
//	16-19   version       9
//	20-23   pagesize      P
//	24      encrypt_alg   0
//	25      type          8
//	26      metaflags     0
//	28-31   free          first page of the free list, 0 for none
//	32-35   last_pgno     length of the file / P - 1
//	36-39   nparts        0
//	40-43   key_count     number of keys
//	44-47   record_count  number of keys
//	48-51   flags         0; 1 duplicates, 2 subdatabases, 4 sorted duplicates
//	52-71   uid           16 bytes that tell files apart, 4 zero bytes
//	72-75   max_bucket    highest bucket in use
//	76-79   high_mask     mask that covers all buckets
//	80-83   low_mask      high_mask >> 1
//	84-87   ffactor       0
//	88-91   nelem         number of keys
//	92-95   h_charkey     hash of "%$sniglet^&" with its NUL, 0x5e688dd1
//	96-223  spares[32]    first page of each doubling less its first bucket
//
// Any other page begins with 26 bytes (db_page.h, PAGE):
//
//	 0-7    lsn        file 0, offset 1
//	 8-11   pgno       number of this page
//	12-15   prev_pgno  page before it in a bucket or a big value, 0 for none
//	16-19   next_pgno  page behind it, 0 for none
//	20-21   entries    index entries: two a row; 1 on the pages of a big value
//	22-23   hf_offset  lowest byte in use; bytes in use on a big value's page
//	24      level      0
//	25      type       13 bucket, sorted; 2 bucket, unsorted (before 4.6);
//	                   7 big value; 0 free
//
// On a bucket's page the index grows up from byte 26 and the items grow down
// from the end of the page. The index has the offset of each item (u16), key
// and value in turn. An item ends where the item before it begins, or at the
// end of the page. It is a type byte and
//
//	1  the bytes themselves
//	2  duplicates: length, bytes, length again, repeated (values only)
//	3  3 unused bytes, page and length of a big value: for more than P/4 bytes
//
// # The order of keys in a page
//
// libdb searches a page by halves. When one key is the beginning of another,
// the longer key comes first (hash_page.c, __ham_getindex_sorted): aaa, aa, a.
// In a file with the usual order, a before aa, libdb misses a quarter of the
// keys, and db_verify still exits 0.
//
// # What is not written
//
// Checksums, encryption, partitions, duplicates and subdatabases are not
// written. Keys have at most 255 bytes: sendmail looks up no longer keys, and
// libdb orders keys of more than P/4 bytes in another way.
package hashdb

import (
	"bytes"
	"encoding/binary"
)

// PageSize is the size of the pages we write, in bytes.
const PageSize = 4096

// MaxKey is the longest key we write, in bytes.
const MaxKey = 255

const (
	magic     = 0x061561
	version   = 9
	charKey   = 0x5e688dd1
	metaSize  = 512
	pageHead  = 26
	spareSize = 32

	typeFree     = 0
	typeUnsorted = 2
	typeBig      = 7
	typeMeta     = 8
	typeSorted   = 13

	itemInline    = 1
	itemDuplicate = 2
	itemBig       = 3
	itemOffDup    = 4
	bigItemSize   = 12
)

// Offsets of the fields of the metadata page.
const (
	metaPgno        = 8
	metaMagic       = 12
	metaVersion     = 16
	metaPageSize    = 20
	metaEncrypt     = 24
	metaType        = 25
	metaMetaFlags   = 26
	metaFree        = 28
	metaLastPgno    = 32
	metaKeyCount    = 40
	metaRecordCount = 44
	metaFlags       = 48
	metaUID         = 52
	metaMaxBucket   = 72
	metaHighMask    = 76
	metaLowMask     = 80
	metaNelem       = 88
	metaCharKey     = 92
	metaSpares      = 96
)

// Offsets of the fields of every other page.
const (
	headPgno     = 8
	headPrev     = 12
	headNext     = 16
	headEntries  = 20
	headHfOffset = 22
	headLevel    = 24
	headType     = 25
)

// hash is libdb's __ham_func5: FNV-1 with 0 as the first value.
func hash(key []byte) uint32 {
	h := uint32(0)
	for _, c := range key {
		h *= 16777619
		h ^= uint32(c)
	}
	return h
}

// compareKeys gives the order of two keys in a sorted page.
func compareKeys(a, b []byte) int {
	n := min(len(a), len(b))
	if c := bytes.Compare(a[:n], b[:n]); c != 0 {
		return c
	}
	return len(b) - len(a)
}

// itemSize is the number of bytes that an item with a text of n bytes takes on
// a bucket's page.
func itemSize(n, pageSize int) int {
	if isBig(n, pageSize) {
		return bigItemSize
	}
	return n + 1
}

// isBig reports whether a text of n bytes is stored on pages of its own.
func isBig(n, pageSize int) bool { return n > pageSize/4 }

// log2Ceil is the smallest i with 1<<i >= n.
func log2Ceil(n uint32) int {
	i := 0
	for limit := uint64(1); limit < uint64(n); limit <<= 1 {
		i++
	}
	return i
}

var little = binary.LittleEndian
