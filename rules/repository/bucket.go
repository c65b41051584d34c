//go:build objectstores

package repository

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"gocloud.dev/blob"
	_ "gocloud.dev/blob/azureblob" // azblob://
	_ "gocloud.dev/blob/gcsblob"   // gs://
	_ "gocloud.dev/blob/s3blob"    // s3://
	"gocloud.dev/gcerrors"
	"gocloud.dev/gcp"
	"google.golang.org/api/googleapi"

	"ostiary/config/document"
)

// bucket is an object in an object store. Credentials, region and the like come
// from the environment, as the store's own tools have it, or from the URL's
// query.
type bucket struct {
	url, key, name string

	open *blob.Bucket // nil until it is asked for the first time
	last Content
	tag  string
}

// openBucket understands s3://bucket/key, gs://bucket/key and
// azblob://container/key.
func openBucket(text string) (*Repository, error) {
	parsed, err := url.Parse(text)
	key := ""
	if err == nil {
		key = strings.TrimPrefix(parsed.Path, "/")
	}
	if key == "" || parsed.Host == "" {
		return nil, fmt.Errorf("%q is not the URL of an object such as s3://bucket/access-rules.json", Masked(text))
	}
	store := &url.URL{Scheme: parsed.Scheme, Host: parsed.Host, RawQuery: parsed.RawQuery}
	b := &bucket{url: store.String(), key: key, name: Masked(text)}
	return &Repository{Key: text, Name: b.name, Remote: true, read: b.read}, nil
}

func (b *bucket) read(ctx context.Context) (Content, error) {
	if b.open == nil {
		if err := b.openStore(ctx); err != nil {
			return Content{}, err
		}
	}
	attributes, err := b.open.Attributes(ctx, b.key)
	if err != nil {
		return Content{}, unread(err)
	}
	// The tag is older than the text, so that a change in between is noticed the
	// next time.
	if b.tag != "" && attributes.ETag == b.tag {
		return b.last, nil
	}
	reader, err := b.open.NewReader(ctx, b.key, nil)
	if err != nil {
		return Content{}, unread(err)
	}
	defer reader.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(io.LimitReader(reader, document.MaxSize+1))
	switch {
	case err != nil:
		return Content{}, brokenOff(err)
	case len(text) > document.MaxSize:
		return Content{}, fmt.Errorf("the object has more than the %d bytes that are read", document.MaxSize)
	}
	b.tag = attributes.ETag
	b.last = Content{Documents: []Document{{Name: b.name, Text: text}}, Position: b.tag}
	return b.last, nil
}

func (b *bucket) openStore(ctx context.Context) error {
	if strings.HasPrefix(b.url, "gs:") && os.Getenv("STORAGE_EMULATOR_HOST") == "" && !strings.Contains(b.url, "anonymous=") {
		// Without credentials the library goes on with wrong ones, and for good.
		if _, err := gcp.DefaultCredentials(ctx); err != nil {
			return fmt.Errorf("the object store cannot be opened: %w", err)
		}
	}
	opened, err := blob.OpenBucket(ctx, b.url)
	if err != nil {
		return fmt.Errorf("the object store cannot be opened: %s", strings.ReplaceAll(err.Error(), b.url, Masked(b.url)))
	}
	b.open = opened
	runtime.AddCleanup(b, func(opened *blob.Bucket) { _ = opened.Close() }, opened)
	return nil
}

// unread says what the matter is in words that are the same for all stores, and
// each time: an answer of a store has numbers of its own in it.
func unread(err error) error {
	status, answered := statusOf(err)
	switch {
	case status == http.StatusNotFound || gcerrors.Code(err) == gcerrors.NotFound:
		return errors.New("there is no such object, or no such bucket")
	case status == http.StatusForbidden || status == http.StatusUnauthorized || gcerrors.Code(err) == gcerrors.PermissionDenied:
		return errors.New("the object store does not let this engine read the object")
	case answered:
		return &statusError{status}
	}
	return notReached(err)
}

// statusOf is what the store answered with, if it did.
func statusOf(err error) (status int, answered bool) {
	var amazon interface{ HTTPStatusCode() int }
	var google *googleapi.Error
	var azure *azcore.ResponseError
	switch {
	case errors.As(err, &amazon):
		return amazon.HTTPStatusCode(), amazon.HTTPStatusCode() != 0
	case errors.As(err, &google):
		return google.Code, true
	case errors.As(err, &azure):
		return azure.StatusCode, true
	}
	return 0, false
}
