package lmdb

// A tree is the description of a tree in a meta page.
type tree struct {
	pad                                 uint32
	flags, depth                        uint16
	branches, leaves, overflow, entries uint64
	root                                uint64 // noPage for an empty tree
}

// put writes a tree.
func (t *tree) put(b []byte) {
	little.PutUint32(b[treePad:], t.pad)
	little.PutUint16(b[treeFlags:], t.flags)
	little.PutUint16(b[treeDepth:], t.depth)
	little.PutUint64(b[treeBranches:], t.branches)
	little.PutUint64(b[treeLeaves:], t.leaves)
	little.PutUint64(b[treeOverflow:], t.overflow)
	little.PutUint64(b[treeEntries:], t.entries)
	little.PutUint64(b[treeRoot:], t.root)
}

// treeOf reads a tree.
func treeOf(b []byte) tree {
	return tree{
		pad: little.Uint32(b[treePad:]), flags: little.Uint16(b[treeFlags:]), depth: little.Uint16(b[treeDepth:]),
		branches: little.Uint64(b[treeBranches:]), leaves: little.Uint64(b[treeLeaves:]), overflow: little.Uint64(b[treeOverflow:]),
		entries: little.Uint64(b[treeEntries:]), root: little.Uint64(b[treeRoot:]),
	}
}

// A meta is the content of a meta page.
type meta struct {
	mapSize    uint64
	free, main tree
	last       uint64 // the last page in use
	txn        uint64
}

// metaOf reads what stands behind the header of a meta page.
func metaOf(b []byte) meta {
	return meta{
		mapSize: little.Uint64(b[metaMapSize:]),
		free:    treeOf(b[metaFree:]), main: treeOf(b[metaMain:]),
		last: little.Uint64(b[metaLast:]), txn: little.Uint64(b[metaTxn:]),
	}
}
