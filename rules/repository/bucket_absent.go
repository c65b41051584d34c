//go:build !objectstores

package repository

import (
	"errors"
)

// openBucket refuses object stores: their libraries are larger than all of the
// engine, and so in a binary of their own.
func openBucket(string) (*Repository, error) {
	return nil, errors.New("this binary knows no object stores; use one that was built with them (make objectstores)")
}
