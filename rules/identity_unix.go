//go:build unix

package rules

import (
	"io/fs"
	"syscall"
)

// identity tells apart files of the same size and age: device and inode.
func identity(info fs.FileInfo) any {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return [2]uint64{uint64(stat.Dev), stat.Ino} //nolint:unconvert // Dev has another type elsewhere
	}
	return nil
}
