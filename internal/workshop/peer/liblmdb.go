package peer

import (
	"os"
	"path/filepath"
	"testing"
)

// liblmdbSource is a program that opens an lmdb file with the installed liblmdb, as
// Exim does or, with the word nolock, as Postfix does. It executes the operations on its
// standard input, which have the form of AppendOp:
//
//	g  the key has this value
//	n  there is no such key
//	p  put the key and the value
//	d  delete the key
//	c  commit what was changed
//	s  say that all operations up to here are done
//	w  walk from the first row to the last and back, and print a digest of all rows
//
// The program ends at the first operation that fails.
const liblmdbSource = `
import ctypes, hashlib, struct, sys

class Val(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("data", ctypes.c_void_p)]

lib = ctypes.CDLL("liblmdb.so.0")
lib.mdb_strerror.restype = ctypes.c_char_p
path, lock = sys.argv[1], sys.argv[2] != "nolock"
NOSUBDIR, RDONLY, NOLOCK, NOSYNC = 0x4000, 0x20000, 0x400000, 0x10000
NOTFOUND, FIRST, LAST, NEXT, PREV = -30798, 0, 6, 8, 12

def must(err):
    if err:
        sys.exit("%s: %s" % (path, lib.mdb_strerror(err).decode()))

env, txn, dbi = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_uint()
must(lib.mdb_env_create(ctypes.byref(env)))
must(lib.mdb_env_set_mapsize(env, ctypes.c_size_t(1 << 30)))
flags = NOSUBDIR | NOSYNC | (0 if lock else NOLOCK)
must(lib.mdb_env_open(env, path.encode(), ctypes.c_uint(flags), 0o600))
writes = False

def begin(write):
    global txn, writes
    if txn and writes == write:
        return
    commit()
    writes = write
    must(lib.mdb_txn_begin(env, None, ctypes.c_uint(0 if write else RDONLY), ctypes.byref(txn)))
    must(lib.mdb_dbi_open(txn, None, ctypes.c_uint(0), ctypes.byref(dbi)))

def commit():
    global txn
    if txn:
        must(lib.mdb_txn_commit(txn))
    txn = ctypes.c_void_p()

def val(text):
    return Val(len(text), ctypes.cast(ctypes.c_char_p(text), ctypes.c_void_p))

def text(v):
    return ctypes.string_at(v.data, v.size)

def walk(first, step):
    begin(False)
    cursor = ctypes.c_void_p()
    must(lib.mdb_cursor_open(txn, dbi, ctypes.byref(cursor)))
    key, value, op = Val(), Val(), first
    while True:
        err = lib.mdb_cursor_get(cursor, ctypes.byref(key), ctypes.byref(value), op)
        if err == NOTFOUND:
            break
        must(err)
        yield text(key), text(value)
        op = step
    lib.mdb_cursor_close(cursor)

def digest():
    sum, keys = hashlib.sha256(), []
    for key, value in walk(FIRST, NEXT):
        sum.update(struct.pack("=II", len(key), len(value)) + key + value)
        keys.append(key)
    if keys != [key for key, _ in walk(LAST, PREV)][::-1]:
        sys.exit("the walk back gives other keys")
    print(sum.hexdigest(), flush=True)

def do(op, key, want):
    k = val(key)
    if op == "p":
        begin(True)
        v = val(want)
        must(lib.mdb_put(txn, dbi, ctypes.byref(k), ctypes.byref(v), 0))
    elif op == "d":
        begin(True)
        must(lib.mdb_del(txn, dbi, ctypes.byref(k), None))
    else:
        begin(False)
        v = Val()
        err = lib.mdb_get(txn, dbi, ctypes.byref(k), ctypes.byref(v))
        if op == "n" and err == NOTFOUND:
            return
        must(err)
        if op == "n" or text(v) != want:
            sys.exit("%s %r differs" % (op, key))

read = sys.stdin.buffer.read
while True:
    op = read(1).decode()
    if not op:
        break
    key, want = (read(struct.unpack("=I", read(4))[0]) for _ in range(2))
    if op == "c":
        commit()
    elif op == "s":
        print("done", flush=True)
    elif op == "w":
        digest()
    else:
        do(op, key, want)
commit()
lib.mdb_env_close(env)
`

// Liblmdb returns the beginning of a command line for the program of liblmdbSource. The
// arguments that follow are a path, and lock or nolock.
func Liblmdb(t testing.TB) []string {
	t.Helper()
	python := Find(t, "python3")
	if _, errOut, err := Try("", python, "-c", `import ctypes; ctypes.CDLL("liblmdb.so.0")`); err != nil {
		Skip(t, "liblmdb 0.9 is not installed: %.200s", errOut)
	}
	program := filepath.Join(t.TempDir(), "liblmdb.py")
	if err := os.WriteFile(program, []byte(liblmdbSource), 0o644); err != nil {
		t.Fatal(err)
	}
	return []string{python, program}
}
