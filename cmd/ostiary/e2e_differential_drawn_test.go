//go:build e2e

package main_test

import (
	"fmt"
	"strings"
)

// drawnClasses are made of chance, most of them of targets of the other classes.
var drawnClasses = []targetClass{
	{"noise", noise},
	{"telling characters", tellingCharacters},
	{"mutations", mutations},
	{"splices", splices},
	{"encoded again", encodedAgain},
}

// drawn is a target of one of the other classes.
func (d *dice) drawn() string { return writtenClasses[d.IntN(len(writtenClasses))].generate(d) }

// noise is any bytes at all, most of the time behind a way to the public part.
func noise(d *dice) string {
	target := make([]byte, 1+d.IntN(24))
	for i := range target {
		target[i] = byte(d.IntN(256))
	}
	return d.one([]string{"/public/", "/public/", "/api/", "/", ""}) + string(target) + d.one([]string{"", "/../protected", "/../../protected", "/protected"})
}

var telling = []string{
	"/", "/", "/", ".", ".", "..", "/../", "/../", "%", "%2e", "%2f", "%5c", "%25", "%3b", "%3f", "%23", "%00", "2", "e", "f", "5", "c", ";", `\`, "?", "#", ":", "@", "&", "=", "+", "*", "~", "|", "\"",
	"<", ">", "{", "}", "[", "]", "^", "`", "'", ",", "!", "$", "(", ")", "protected", "/protected", "public", "/public/", "api", "a", "x", "\u00e9", "%c3%a9", " ", "\t",
}

// tellingCharacters are what means something in a URL, in any order.
func tellingCharacters(d *dice) string {
	return d.one([]string{"/public/", "/public/", "/public", "/api/", "/", ""}) + d.from(telling, 14) + d.one([]string{"", "", "/../../protected"})
}

// mutations are targets of other classes with a few small changes.
func mutations(d *dice) string {
	target := d.drawn()
	for range 1 + d.IntN(4) {
		at := d.IntN(len(target))
		switch d.IntN(6) {
		case 0:
			target = target[:at] + d.one(telling) + target[at:]
		case 1:
			if len(target) > 1 {
				target = target[:at] + target[at+1:]
			}
		case 2:
			target = target[:at] + d.one(telling) + target[at+1:]
		case 3:
			end := min(len(target), at+1+d.IntN(8))
			target = target[:end] + target[at:]
		case 4:
			target = target[:at] + string([]byte{target[at] ^ 0x20}) + target[at+1:]
		default:
			target = target[:at] + string([]byte{target[at] ^ 1<<d.IntN(8)}) + target[at+1:]
		}
	}
	return target
}

// splices are the beginning of one target and the end of another.
func splices(d *dice) string {
	head, tail := d.drawn(), d.drawn()
	return head[:1+d.IntN(len(head))] + tail[d.IntN(len(tail)):]
}

// encodedAgain are targets of other classes in which any characters are escaped, and their escapes once more.
func encodedAgain(d *dice) string {
	target := d.drawn()
	for range 1 + d.IntN(2) {
		share := 1 + d.IntN(8)
		var b strings.Builder
		for i := range len(target) {
			c := target[i]
			switch {
			case i == 0, c == '/' && !d.chance(8), !d.chance(share):
				b.WriteByte(c)
			default:
				fmt.Fprintf(&b, d.one([]string{"%%%02x", "%%%02X"}), c)
			}
		}
		target = b.String()
	}
	return target
}
