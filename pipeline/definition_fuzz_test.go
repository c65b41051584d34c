package pipeline_test

import (
	"math/big"
	"regexp"
	"testing"
	"time"

	"ostiary/pipeline"
)

// FuzzParseDuration: a duration has a unit and is not negative, and is as long
// as arithmetic without bounds says.
func FuzzParseDuration(f *testing.F) {
	for _, text := range []string{"5s", "1h30m", "-1s", "10", "", "9223372036854775807ns", "99999999h", ".5s", "1.s", "+1ms", "1µs", "1_0s"} {
		f.Add(text)
	}
	one := regexp.MustCompile(`^([0-9]+)(ns|us|µs|μs|ms|s|m|h)$`)
	units := map[string]time.Duration{
		"ns": 1, "us": time.Microsecond, "µs": time.Microsecond, "μs": time.Microsecond, "ms": time.Millisecond,
		"s": time.Second, "m": time.Minute, "h": time.Hour,
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := pipeline.ParseDuration(text, "ttl")
		if parts := one.FindStringSubmatch(text); parts != nil {
			number, _ := new(big.Int).SetString(parts[1], 10)
			want := number.Mul(number, big.NewInt(int64(units[parts[2]])))
			if err == nil && want.Cmp(big.NewInt(int64(got))) != 0 || err != nil && want.IsInt64() {
				t.Errorf("%q is %v, %v; want %v ns", text, got, err, want)
			}
		}
		switch {
		case err != nil && got != 0, got < 0:
			t.Errorf("%q is %v, %v", text, got, err)
		case err == nil && text != "0" && text != "+0" && text != "-0" && text[len(text)-1] >= '0' && text[len(text)-1] <= '9':
			t.Errorf("%q has no unit, and is %v", text, got)
		case err == nil:
			if again, err := pipeline.ParseDuration(got.String()); err != nil || again != got {
				t.Errorf("%q is %v, which is %v, %v", text, got, again, err)
			}
		}
	})
}
