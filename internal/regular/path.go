package regular

import "path/filepath"

// SamePath reports whether two paths lead to one place: a folder may be a link.
func SamePath(a, b string) bool {
	return filepath.Clean(a) == filepath.Clean(b) || resolved(a) == resolved(b)
}

// resolved is a path without links, as far as the path is there.
func resolved(path string) string {
	if whole, err := filepath.EvalSymlinks(path); err == nil {
		return whole
	}
	dir, name := filepath.Split(filepath.Clean(path))
	if whole, err := filepath.EvalSymlinks(dir); err == nil {
		return filepath.Join(whole, name)
	}
	return filepath.Clean(path)
}
