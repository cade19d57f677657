package postfix

import (
	"errors"
	"fmt"
	"os"
)

// leastAway is the number of bytes from which a text of rows is worth a file.
const leastAway = 4 << 20

// putAway moves the text of the rows to a file without a name, which only this process has.
// Where there is no room for it, the text stays in memory.
func (r *importedRows) putAway() {
	if len(r.text) < leastAway || r.away != nil {
		return
	}
	file, err := os.CreateTemp("", "virtmap-import-")
	if err != nil {
		return
	}
	_, err = file.Write(r.text)
	if err := errors.Join(os.Remove(file.Name()), err); err != nil {
		_ = file.Close() // the text is still in memory
		return
	}
	r.size, r.text, r.away = len(r.text), nil, file
}

// fetch moves the text back.
func (r *importedRows) fetch() error {
	if r.away == nil {
		return nil
	}
	text := make([]byte, r.size)
	if n, err := r.away.ReadAt(text, 0); n < len(text) {
		return fmt.Errorf("the rows of the import: %w", err)
	}
	r.text = text
	return r.close()
}

// close closes the file.
func (r *importedRows) close() (err error) {
	if r.away != nil {
		err = r.away.Close()
		r.away = nil
	}
	return err
}
