//go:build e2e

package main_test

import (
	"math/rand/v2"
	"slices"
	"strings"
)

// differentialSeed makes the targets of a run. With another one they are others.
const differentialSeed = 8

// targetClass is a kind of request targets, by what servers may take differently in them. Each is described in
// testdata/differential/README.md.
type targetClass struct {
	name     string
	generate func(*dice) string
}

// targetClasses are all of them.
var targetClasses = slices.Concat(writtenClasses, drawnClasses)

// generatedTarget is a request target. It depends on its number only, by which it can be had again. All classes have
// equal shares.
func generatedTarget(number int) (class, target string) {
	kind := &targetClasses[number%len(targetClasses)]
	return kind.name, kind.generate(&dice{rand.New(rand.NewPCG(differentialSeed, uint64(number)))})
}

// dice are where a target comes from.
type dice struct{ *rand.Rand }

// chance is true one time in so many.
func (d *dice) chance(of int) bool { return d.IntN(of) == 0 }

func (d *dice) one(of []string) string { return of[d.IntN(len(of))] }

// from repeats pieces up to so often, at least once.
func (d *dice) from(pieces []string, most int) string {
	var b strings.Builder
	for range 1 + d.IntN(most) {
		b.WriteString(d.one(pieces))
	}
	return b.String()
}

// The parts of the site: one that everybody may see, in two places, and one that nobody may.
var (
	entrances = []string{
		"/public", "/public", "/public", "/public/a", "/public/a/b", "/public/public", "/api", "/api/a", "/protected", "/protected/a", "", "/other",
	}
	words        = []string{"a", "b.c", "public", "protected", "api"}
	destinations = []string{"protected", "protected", "protected/x", "protected/x/", "protected/", "public/x", "x", ""}
)

// spelling is how a target is written.
type spelling struct {
	up    []string // what leads up, for somebody
	slash []string // what stands between segments, for somebody
	word  []string // what else stands there
}

var (
	plainUp    = []string{"..", "..", "."}
	plainSlash = []string{"/"}
)

// route leads from an entrance to somewhere else. What the spelling says nothing about is written plainly.
func (d *dice) route(s spelling) string {
	for _, part := range []struct {
		pieces *[]string
		plain  []string
	}{{&s.up, plainUp}, {&s.slash, plainSlash}, {&s.word, words}} {
		if *part.pieces == nil {
			*part.pieces = part.plain
		}
	}
	var b strings.Builder
	b.WriteString(d.one(entrances))
	for range 1 + d.IntN(4) {
		b.WriteString(d.one(s.slash))
		if d.chance(4) {
			b.WriteString(d.one(s.word))
		} else {
			b.WriteString(d.one(s.up))
		}
	}
	b.WriteString(d.one(s.slash))
	b.WriteString(d.one(destinations))
	if target := b.String(); target != "" {
		return target
	}
	return "/"
}

// mixed are pieces of which each is as likely as a plain one.
func mixed(pieces []string, plain ...string) []string {
	all := slices.Clone(pieces)
	for range pieces {
		all = append(all, plain...)
	}
	return all
}

// put puts a piece in at a random place behind the first slash.
func (d *dice) put(target, piece string) string {
	at := 1 + d.IntN(len(target))
	return target[:at] + piece + target[at:]
}
