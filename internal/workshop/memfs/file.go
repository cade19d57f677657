package memfs

import (
	"io"
	"io/fs"
	"slices"
	"time"

	"virtmap/internal/publish"
)

// A file is a file without its name.
type file struct {
	content, synced []byte // synced is what a stop of the machine leaves
	info            publish.Info
	number          uint64 // of the inode
}

// A held is a file that stays open while another gets its name.
type held struct {
	f    *FS
	file *file
}

func (h held) Touch(mtime time.Time) error {
	if err := h.f.step(); err != nil {
		return err
	}
	h.file.info.ModTime = mtime
	h.f.touch(h.file)
	return nil
}

func (h held) Close() error { return nil }

// An open is a file that is being written.
type open struct {
	f    *FS
	file *file
	at   int64
}

func (o *open) Write(p []byte) (int, error) {
	if err := o.f.step(); err != nil {
		return 0, err
	}
	if end := o.at + int64(len(p)); end > int64(len(o.file.content)) {
		o.file.content = append(o.file.content, make([]byte, end-int64(len(o.file.content)))...)
	}
	o.at += int64(copy(o.file.content[o.at:], p))
	o.f.touch(o.file)
	return len(p), nil
}

func (o *open) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += o.at
	case io.SeekEnd:
		offset += int64(len(o.file.content))
	}
	o.at = offset
	return offset, nil
}

func (o *open) Chown(uid, gid int) error {
	o.file.info.UID, o.file.info.GID = uid, gid
	o.f.touch(o.file)
	return o.f.step()
}

func (o *open) Chmod(mode fs.FileMode) error {
	o.file.info.Mode = mode
	o.f.touch(o.file)
	return o.f.step()
}

func (o *open) Label(string) error { return o.f.step() }

func (o *open) Sync() error {
	if err := o.f.step(); err != nil {
		return err
	}
	o.file.synced = slices.Clone(o.file.content)
	return nil
}

func (o *open) Close() error { return nil }
