package repository

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

// Repository is a place that rules come from.
type Repository struct {
	// Key tells repositories apart: two of the same key are one.
	Key string
	// Name is how messages and answers call it. There are no credentials in it.
	Name string
	// Files are the paths, and the patterns of paths (path.Match), whose changes
	// concern it. None if it is no file.
	Files []string
	// Remote is true of what has to be asked over the network.
	Remote bool

	read func(ctx context.Context) (Content, error)
}

// Content is what a repository held at one time.
type Content struct {
	Documents []Document // in order
	// Position is how the repository itself calls this content, such as an
	// ETag. It is empty if the repository has no name for it.
	Position string
}

// Document is one text with rules.
type Document struct {
	Name string // how messages call it: the path of a file
	Text []byte
	Err  error // why there is no text
}

// Read returns what the repository holds now. An error means that this cannot
// be told, as little as that the repository is empty: one that is there to be
// read and holds nothing to read is an error as well. It is not safe for
// concurrent use.
func (r *Repository) Read(ctx context.Context) (Content, error) { return r.read(ctx) }

// Written reports whether the rules stand in the configuration itself.
func (r *Repository) Written() bool { return !r.Remote && len(r.Files) == 0 }

// objectStores are the schemes of repositories in object stores.
var objectStores = []string{"s3", "gs", "azblob"}

// Open understands an entry of access_rules.repositories. It reads nothing but
// the files that the settings of the server name.
func Open(text string, servers Servers) (*Repository, error) {
	scheme, rest, found := strings.Cut(text, "://")
	switch {
	case !found:
		return nil, fmt.Errorf("%q is not a URL such as file:///etc/rules/access-rules.json", Masked(text))
	case scheme == "file":
		return openFiles(text, rest)
	case scheme == "inline":
		return openInline(text, rest)
	case scheme == "http" || scheme == "https":
		return openWeb(text, servers)
	case slices.Contains(objectStores, scheme):
		return openBucket(text)
	}
	if strings.ContainsAny(scheme, "@:/?#") { // it is none, and may be a password
		return nil, fmt.Errorf("%q is not a URL such as file:///etc/rules/access-rules.json", Masked(text))
	}
	return nil, fmt.Errorf("there are no repositories of the kind %s://; use file://, inline://, http://, https://, s3://, gs:// or azblob://", scheme)
}

func openInline(text, rest string) (*Repository, error) {
	content, err := base64.StdEncoding.DecodeString(rest)
	if err != nil {
		return nil, fmt.Errorf("the text behind inline:// is not base64 (standard alphabet, with padding): %w", err)
	}
	const name = "inline://"
	return &Repository{Key: text, Name: name, read: func(context.Context) (Content, error) {
		return Content{Documents: []Document{{Name: name, Text: content}}}, nil
	}}, nil
}
