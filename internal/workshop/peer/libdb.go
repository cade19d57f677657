package peer

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
)

// libdbSource is a program that opens a hash file with the installed libdb, and
// executes the operations on its standard input. An operation is a byte, and a key and
// a value with their lengths:
//
//	g  the key has this value
//	n  there is no such key
//	p  put the key and the value
//	d  delete the key
//
// The program ends at the first operation that fails.
const libdbSource = `
#include <db.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdint.h>

static int take(DBT *t) {
	uint32_t n;
	if (fread(&n, 4, 1, stdin) != 1) return 0;
	t->data = realloc(t->data, n + 1);
	t->size = n;
	return n == 0 || fread(t->data, n, 1, stdin) == 1;
}

int main(int argc, char **argv) {
	DB *db;
	DBT key, want, got;
	int op, err;
	long done = 0;
	memset(&key, 0, sizeof key); memset(&want, 0, sizeof want); memset(&got, 0, sizeof got);
	if (argc != 2 || (err = db_create(&db, NULL, 0)) || (err = db->open(db, NULL, argv[1], NULL, DB_HASH, 0, 0))) {
		fprintf(stderr, "open: %s\n", db_strerror(err)); return 1;
	}
	while ((op = getchar()) != EOF) {
		if (!take(&key) || !take(&want)) { fprintf(stderr, "short input\n"); return 1; }
		switch (op) {
		case 'p': err = db->put(db, NULL, &key, &want, 0); break;
		case 'd': err = db->del(db, NULL, &key, 0); break;
		default:
			err = db->get(db, NULL, &key, &got, 0);
			if (op == 'n') err = err == DB_NOTFOUND ? 0 : 1;
			else if (!err && (got.size != want.size || memcmp(got.data, want.data, got.size))) err = 2;
		}
		if (err) {
			fprintf(stderr, "%c %.*s: %d %s\n", op, (int)key.size, (char *)key.data, err, err < 0 ? db_strerror(err) : "differs");
			return 1;
		}
		done++;
	}
	if ((err = db->close(db, 0))) { fprintf(stderr, "close: %s\n", db_strerror(err)); return 1; }
	printf("%ld\n", done);
	return 0;
}
`

// Libdb builds the program of libdbSource and returns its path.
func Libdb(t testing.TB) string {
	t.Helper()
	compiler := Find(t, "cc")
	if _, err := os.Stat("/usr/include/db.h"); err != nil {
		Skip(t, "libdb's header db.h is not installed")
	}
	dir := t.TempDir()
	source, program := filepath.Join(dir, "libdb.c"), filepath.Join(dir, "libdb")
	if err := os.WriteFile(source, []byte(libdbSource), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, errOut, err := Try("", compiler, "-O1", "-o", program, source, "-ldb"); err != nil {
		t.Fatalf("cc: %v\n%s", err, errOut)
	}
	return program
}

// AppendOp appends an operation for the program of Libdb.
func AppendOp(ops []byte, op byte, key, value []byte) []byte {
	ops = append(ops, op)
	for _, text := range [][]byte{key, value} {
		ops = binary.NativeEndian.AppendUint32(ops, uint32(len(text)))
		ops = append(ops, text...)
	}
	return ops
}
