package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	sourcesPoll    = 50 * time.Millisecond
	sourcesTimeout = 500 * time.Millisecond

	// nobody is the user that the engine runs as where the tests are run by root, who may read everything.
	nobody = 65534
)

// fault is something that can happen to a source.
type fault struct {
	name  string
	bring func(t *testing.T, next string) // with the rules that would be next
	says  string                          // part of what the engine says about it
	mend  func(t *testing.T, next string) // if it takes more than to put the next rules there
}

// sourced is an engine whose rules come from one source, and its source.
type sourced struct {
	*engine
	life    testing.TB // of what is started
	dir     string
	source  string // its URL
	cached  bool
	put     func(t *testing.T, rules string) // makes the source hold these rules, all at once
	remove  func(t *testing.T)
	faults  []fault
	version int // of the last good rules
}

// TestEverySourceKeepsItsLastGoodRules, whatever happens to it, and says what is the matter.
func TestEverySourceKeepsItsLastGoodRules(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(t *testing.T, dir string) *sourced{
		"file": fileSource, "directory": directorySource, "pattern": patternSource, "http": webSource,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := openDirectory(t)
			s := open(t, filepath.Join(dir, "rules"))
			s.life, s.dir = t, filepath.Join(dir, "engine")
			s.cached = true
			s.put(t, s.next())
			s.start(t)
			s.isLive(t)
			for _, f := range s.faults {
				if !t.Run(f.name, func(t *testing.T) { s.endures(t, f) }) {
					return // what comes after it would tell nothing more
				}
			}
			t.Run("no room for the cache", s.enduresWithoutRoom)
			t.Run("a start without the source", s.startsWithoutSource)
			s.stop(t)
		})
	}
}

// endures is the life of an engine with a fault, from good rules to the next good rules.
func (s *sourced) endures(t *testing.T, f fault) {
	good := s.version
	next := s.next()
	f.bring(t, next)
	eventually(t, "the source is stale", func() (string, bool) {
		s.decidesBy(t, good)
		source := s.condition(t)
		return fmt.Sprint(source), source.State == "stale" && strings.Contains(strings.Join(source.Problems, "\n"), f.says)
	})
	eventually(t, "that is told as a generation that was refused", func() (string, bool) {
		s.decidesBy(t, good)
		last := s.generations(t)[0]
		return fmt.Sprint(last), last.State == "refused" && strings.Contains(strings.Join(last.Problems, "\n"), f.says)
	})
	s.condition(t) // it is still ready
	s.measures(t, 1)
	if f.mend != nil {
		f.mend(t, next)
	} else {
		s.put(t, next)
	}
	s.isLive(t)
}

// isLive returns when the last rules of the source are in force, and it says so.
func (s *sourced) isLive(t *testing.T) {
	t.Helper()
	eventually(t, "the source is live", func() (string, bool) {
		source := s.condition(t)
		version := s.decides(t)
		return fmt.Sprint(version, source), source.State == "live" && len(source.Problems) == 0 && version == strconv.Itoa(s.version)
	})
	if last := s.generations(t)[0]; last.State != "published" {
		t.Errorf("the last generation is %v", last)
	}
	s.measures(t, 0)
}

// enduresWithoutRoom is for a cache that cannot be written. It is no reason to do without rules that are good.
func (s *sourced) enduresWithoutRoom(t *testing.T) {
	cache := filepath.Join(s.dir, "cache")
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	do(os.Rename(cache, cache+"-2"))
	do(os.WriteFile(cache, nil, 0o644))
	s.put(t, s.next())
	s.isLive(t)
	source := s.condition(t)
	if want := "the last good rules of " + source.Source + " cannot be kept in " + cache + ": not a directory"; source.NotKept != want {
		t.Errorf("got %q\nwant %q", source.NotKept, want)
	} else {
		s.logs(t, want)
	}
	do(os.Remove(cache))
	do(os.Rename(cache+"-2", cache))
	s.put(t, s.next())
	s.isLive(t)
	if source := s.condition(t); source.NotKept != "" {
		t.Errorf("there is room again: %s", source.NotKept)
	}
}

// startsWithoutSource starts the engine anew while there is nothing but what it kept.
func (s *sourced) startsWithoutSource(t *testing.T) {
	s.stop(t)
	s.remove(t)
	s.start(t)
	s.decidesBy(t, s.version)
	source := s.condition(t)
	if source.State != "cached" || len(source.Problems) == 0 || source.Rules != 1 || source.Read.IsZero() {
		t.Errorf("%+v", source)
	}
	s.logs(t, "rules are in force as they were kept, because their source cannot be read")
	s.measures(t, 1)
	s.put(t, s.next())
	s.isLive(t)
}

// TestAStartNeedsARemoteSourceOrItsCache: nothing else tells what the engine is to decide by.
func TestAStartNeedsARemoteSourceOrItsCache(t *testing.T) {
	t.Parallel()
	dir := openDirectory(t)
	s := webSource(t, dir)
	s.life, s.dir = t, filepath.Join(dir, "engine")
	s.remove(t)
	s.launch(t)
	select {
	case <-s.ended:
	case <-time.After(startLimit):
		t.Fatal("the engine runs without rules")
	}
	if code := s.command.ProcessState.ExitCode(); code != 1 {
		t.Errorf("it ended with %d", code)
	}
	s.logs(t, s.source+": the server answered 404 Not Found")
}

// TestAConfigurationIsTriedAgainUntilItsSourcesAreThere: nothing but the network tells when that is.
func TestAConfigurationIsTriedAgainUntilItsSourcesAreThere(t *testing.T) {
	t.Parallel()
	dir := openDirectory(t)
	local, remote := fileSource(t, filepath.Join(dir, "rules")), webSource(t, dir)
	s := local
	s.life, s.dir = t, filepath.Join(dir, "engine")
	s.put(t, s.next())
	s.start(t)
	remote.remove(t)
	config, err := os.ReadFile(filepath.Join(s.dir, "config.json"))
	must(t, err)
	rename(t, filepath.Join(s.dir, "config.json"), strings.Replace(string(config), s.source, remote.source, 1))
	const notThere = "the server answered 404 Not Found"
	eventually(t, "the configuration is refused", func() (string, bool) {
		s.decidesBy(t, s.version)
		last := s.generations(t)[0]
		return fmt.Sprint(last), last.State == "refused" && strings.Contains(strings.Join(last.Problems, "\n"), notThere)
	})
	s.version = 99
	remote.put(t, s.next())
	s.isLive(t)
}

// next are good rules, other ones than all before. They go beyond a buffer, so that half of them are something else.
func (s *sourced) next() string {
	s.version++
	return fmt.Sprintf(`[{
	"id": "only", "description": %q,
	"match": {"url": "http://rules.test/<.*>", "methods": ["GET"]},
	"authenticators": [{"handler": "anonymous"}], "authorizer": {"handler": "allow"},
	"mutators": [{"handler": "header", "config": {"headers": {"X-Version": "%d"}}}]
}]
`, strings.Repeat("long ", 2000), s.version)
}

// openDirectory has directories for the rules and for the engine, who can get there, whoever that is.
func openDirectory(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if os.Getuid() == 0 {
		for _, closed := range []string{workshop, filepath.Dir(dir)} {
			if err := os.Chmod(closed, 0o711); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, name := range []string{"rules", "engine"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func (s *sourced) start(t *testing.T) {
	t.Helper()
	s.launch(t)
	if err := s.awaitReady(); err != nil {
		t.Fatalf("%v\n%s", err, s.logExcerpt())
	}
}

// launch starts the engine as a user who may not read everything.
func (s *sourced) launch(t *testing.T) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	rules := map[string]any{
		"repositories": []string{s.source},
		"poll":         map[string]any{"interval": sourcesPoll.String(), "timeout": sourcesTimeout.String()},
	}
	if s.cached {
		rules["cache_dir"] = filepath.Join(s.dir, "cache")
	}
	enabled := func(name string) map[string]any { return map[string]any{name: map[string]any{"enabled": true}} }
	config := map[string]any{
		"access_rules": rules, "authenticators": enabled("anonymous"), "authorizers": enabled("allow"),
		"mutators": map[string]any{"header": map[string]any{"enabled": true, "config": map[string]any{"headers": map[string]any{}}}},
	}
	ports := freeListeners(t)
	ports.bind(config)
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(s.dir, "config.json")
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(path, "serve", "--config", file)
	command.Dir, command.Env = s.dir, environment(nil)
	if os.Getuid() == 0 {
		if err := os.Chown(s.dir, nobody, nobody); err != nil {
			t.Fatal(err)
		}
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	s.engine = start(s.life, command, ports)
}

// decides is the version of the rules that a request is decided by.
func (s *sourced) decides(t *testing.T) string {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, "http://"+s.ports.address("api")+"/decisions/page", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "rules.test"
	response, err := plainClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("a decision is %s", response.Status)
	}
	return response.Header.Get("X-Version")
}

func (s *sourced) decidesBy(t *testing.T, version int) {
	t.Helper()
	if got := s.decides(t); got != strconv.Itoa(version) {
		t.Fatalf("decided by version %s, and %d are the last good rules", got, version)
	}
}

// sourceState is what the engine says about its source.
type sourceState struct {
	Source, State string
	Rules         int
	Read          time.Time
	Problems      []string
	NotKept       string `json:"not_kept"`
}

// condition is how the source is. The engine is ready all the time.
func (s *sourced) condition(t *testing.T) sourceState {
	t.Helper()
	if text, status := s.ask(t, "api", "/health/ready"); status != http.StatusOK || !strings.Contains(text, `"ok"`) {
		t.Fatalf("ready is answered with %d %s", status, text)
	}
	text, status := s.ask(t, "api", "/health/ready?verbose")
	var answer struct {
		Status string
		Rules  struct{ Sources []sourceState }
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil || status != http.StatusOK || answer.Status != "ok" || len(answer.Rules.Sources) != 1 {
		t.Fatalf("%d %s (%v)", status, text, err)
	}
	return answer.Rules.Sources[0]
}

type generationState struct {
	Generation int
	State      string
	Problems   []string
}

func (s *sourced) generations(t *testing.T) (all []generationState) {
	t.Helper()
	text, _ := s.ask(t, "api", "/rules/generations")
	if err := json.Unmarshal([]byte(text), &all); err != nil || len(all) == 0 {
		t.Fatalf("%s (%v)", text, err)
	}
	return all
}

// measures fails the test unless so many sources are counted as stale.
func (s *sourced) measures(t *testing.T, stale int) {
	t.Helper()
	eventually(t, "a metric says how many sources are stale", func() (string, bool) {
		text, _ := s.ask(t, "prometheus", "/metrics")
		return text, strings.Contains(text, fmt.Sprintf("\nostiary_rule_sources_stale %d\n", stale))
	})
}

func (s *sourced) ask(t *testing.T, listener, target string) (text string, status int) {
	t.Helper()
	response, err := plainClient.Get("http://" + s.ports.address(listener) + target)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body), response.StatusCode
}

func (s *sourced) logs(t *testing.T, want string) {
	t.Helper()
	text, err := os.ReadFile(s.log)
	if err != nil {
		t.Fatal(err)
	}
	quoted, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), want) && !strings.Contains(string(text), strings.Trim(string(quoted), `"`)) {
		t.Errorf("the log does not say %s", want)
	}
}
