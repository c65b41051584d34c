package main_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// swapConfigMap puts files into a mounted ConfigMap as a kubelet does: a new directory beside the old one, one
// rename that moves the link ..data over to it, and only then the old directory goes. Each visible file is a link
// through ..data that is made once and never touched again.
func swapConfigMap(mount string, files map[string]string) error {
	if err := os.MkdirAll(mount, 0o755); err != nil {
		return err
	}
	fresh, err := os.MkdirTemp(mount, time.Now().UTC().Format("..2006_01_02_15_04_05."))
	if err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(fresh, name), []byte(content), 0o400); err != nil {
			return err
		}
	}

	data := filepath.Join(mount, "..data")
	old, err := os.Readlink(data)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Symlink(filepath.Base(fresh), data+"_tmp"); err != nil {
		return err
	}
	if err := os.Rename(data+"_tmp", data); err != nil {
		return err
	}
	for name := range files {
		err := os.Symlink(filepath.Join("..data", name), filepath.Join(mount, name))
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	if old == "" {
		return nil
	}
	return os.RemoveAll(filepath.Join(mount, old))
}
