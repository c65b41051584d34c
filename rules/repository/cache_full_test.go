package repository

import (
	"bytes"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"
)

// fullDirectory names the cache that a process of its own writes to, which can
// write no more than so much into a file.
const (
	fullDirectory = "OSTIARY_FULL_CACHE"
	fullAfter     = 64 << 10
)

// TestACacheThatIsFullLeavesWhatWasKept: what a disk that is full does to a file in
// the middle of it, a limit of the process does as well.
func TestACacheThatIsFullLeavesWhatWasKept(t *testing.T) {
	t.Parallel()
	r := opened(t, "https://h/r")
	before := Content{Position: "before"}
	c := Cache{Directory: os.Getenv(fullDirectory)}
	if c.Directory == "" {
		c = keeper(t)
		do(t, c.Save(r, before, noon))
		self := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		self.Env = append(os.Environ(), fullDirectory+"="+c.Directory)
		out, err := self.CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
			t.Fatalf("%v\n%s", err, out)
		}
		c.keeps(t, r, before, noon.Truncate(time.Second))
		if names := c.files(t); len(names) != 1 {
			t.Errorf("left are %q", names)
		}
		return
	}
	signal.Ignore(syscall.SIGXFSZ) // then writing is an error
	var limit syscall.Rlimit
	do(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit))
	narrow := limit
	narrow.Cur = fullAfter
	do(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &narrow))
	defer func() { do(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)) }()
	content := Content{Documents: []Document{{Name: "a", Text: []byte("[]")}, {Name: "b", Text: make([]byte, fullAfter)}}}
	want := "the last good rules of https://h/r cannot be kept in " + c.Directory + ": file too large"
	if err := c.Save(r, content, noon); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
