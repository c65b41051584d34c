//go:build e2e

package main_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// browserLimit is how long a browser may take for a thing before it counts as hung.
const browserLimit = 30 * time.Second

// browser is a Chromium of somebody who was never here before.
type browser struct {
	ctx context.Context
}

// startBrowser starts a Chromium to which hosts have the addresses that the rules say, as in "MAP *.ops.test:80
// 127.0.0.1:1234". It knows no other hosts, and it never outlives the test.
func startBrowser(t *testing.T, rules ...string) *browser {
	t.Helper()
	options := []chromedp.ExecAllocatorOption{
		chromedp.Flag("headless", "new"),
		chromedp.Flag("host-resolver-rules", strings.Join(append(rules, "MAP * ~NOTFOUND"), ",")),
		chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("disable-features", "HttpsUpgrades,HttpsFirstBalancedModeAutoEnable"),
		chromedp.NoSandbox, // a test may run as root
		chromedp.DisableGPU,
		chromedp.NoFirstRun,
		chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
	}
	// Its life is not bound to the context of a subtest.
	all, release := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(all)
	t.Cleanup(func() {
		cancel()
		release()
	})
	b := &browser{ctx}
	// The first call is what starts the process, which would end with a context that has a deadline.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("Chromium (the package chromium) does not start: %v", err)
	}
	return b
}

// did has the browser do something, and is what comes of it.
func did[T any](b *browser, action chromedp.Action[T]) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, browserLimit)
	defer cancel()
	return chromedp.Run(ctx, action)
}

// do is a did that has to work.
func do[T any](t *testing.T, b *browser, action chromedp.Action[T]) T {
	t.Helper()
	result, err := did(b, action)
	if err != nil {
		t.Fatalf("%v\nthe browser shows %s", err, b.shows())
	}
	return result
}

// open goes to an address, wherever that leads.
func (b *browser) open(t *testing.T, address string) {
	t.Helper()
	do(t, b, chromedp.Navigate(address))
}

// byID finds an element. Ids of Kratos' fields have dots.
func byID(id string) chromedp.CSS { return chromedp.CSS(fmt.Sprintf("[id=%q]", id)) }

// fill fills in the form of a method and sends it.
func (b *browser) fill(t *testing.T, method string, fields map[string]string) {
	t.Helper()
	for name, value := range fields {
		field := byID(method + "-" + name)
		do(t, b, chromedp.Steps(chromedp.WaitVisible(field), chromedp.Clear(field), chromedp.SendKeys(field, value)))
	}
	do(t, b, chromedp.Click(byID(method+"-method")))
}

// logIn fills in the login page.
func (b *browser) logIn(t *testing.T, a account) {
	t.Helper()
	b.fill(t, "password", map[string]string{"identifier": a.email, "password": a.password})
}

// follow clicks on a link.
func (b *browser) follow(t *testing.T, text string) {
	t.Helper()
	do(t, b, chromedp.Click(chromedp.Search(fmt.Sprintf("//a[text()=%q]", text))))
}

// text is what an element of the page says.
func (b *browser) text(t *testing.T, id string) string {
	t.Helper()
	return do(t, b, chromedp.Text(byID(id)))
}

// sight is what people see: the bar of the browser, and the page.
type sight struct {
	Address string
	Text    string
}

const look = `({Address: location.href, Text: document.readyState === "complete" ? document.body.innerText : "loading"})`

// arrives waits until the browser is at the address, byte for byte, and shows a page that says this.
func (b *browser) arrives(t *testing.T, address, says string) {
	t.Helper()
	b.await(t, address+" with "+says, func(seen sight) bool { return seen.Address == address && strings.Contains(seen.Text, says) })
}

// isAsked waits until the browser shows a page of this host that says this.
func (b *browser) isAsked(t *testing.T, host, says string) {
	t.Helper()
	b.await(t, host+" with "+says, func(seen sight) bool {
		return strings.HasPrefix(seen.Address, host+"/") && strings.Contains(seen.Text, says)
	})
}

func (b *browser) await(t *testing.T, what string, is func(sight) bool) {
	t.Helper()
	deadline := time.Now().Add(browserLimit)
	for {
		// Between two pages there is none to look at.
		if seen, err := b.see(); err == nil && is(seen) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the browser shows %s, expected %s", b.shows(), what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (b *browser) see() (sight, error) { return did(b, chromedp.Evaluate[sight](look)) }

func (b *browser) shows() string {
	seen, err := b.see()
	return fmt.Sprintf("%s with %q (%v)", seen.Address, seen.Text, err)
}

// fetched is what a script gets.
type fetched struct {
	Status     int
	Redirected bool
	Type       string
	Body       string
}

// fetch has a script on the page fetch an address.
func (b *browser) fetch(t *testing.T, address, options string) fetched {
	t.Helper()
	script := fmt.Sprintf(`fetch(%q, %s).then(async answer => ({Status: answer.status, Redirected: answer.redirected,
		Type: answer.headers.get("Content-Type"), Body: await answer.text()}))`, address, options)
	return do(t, b, chromedp.Evaluate[fetched](script, chromedp.EvalAwaitPromise))
}
