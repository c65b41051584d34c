package login

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// kratos is the address of Kratos' public API, without a slash at its end.
type kratos string

var client = http.Client{Timeout: 10 * time.Second}

// refusal is how Kratos says what is wrong.
type refusal struct {
	Problem struct {
		Code            int
		Reason, Message string
		Details         struct {
			To string `json:"redirect_to"`
		}
	} `json:"error"`
	To string `json:"redirect_browser_to"`
}

func (r *refusal) Error() string { return cmp.Or(r.Problem.Reason, r.Problem.Message) }

func (r *refusal) status() int { return max(http.StatusBadRequest, min(r.Problem.Code, 599)) }

// next is where Kratos wants the browser to go, if it says so.
func (r *refusal) next() string { return cmp.Or(r.To, r.Problem.Details.To) }

// get asks Kratos in the place of the browser that sent the request.
func (k kratos) get(browser *http.Request, path string, query url.Values, result any) error {
	request, err := http.NewRequestWithContext(browser.Context(), http.MethodGet, string(k)+path+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "application/json")
	request.Header["Cookie"] = browser.Header["Cookie"]
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20)) // more than any flow takes
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return err
	}
	refused := &refusal{}
	switch {
	case response.StatusCode == http.StatusOK:
		return json.Unmarshal(body, result)
	case response.StatusCode >= http.StatusInternalServerError || json.Unmarshal(body, refused) != nil:
		return fmt.Errorf("%s: %s", path, response.Status)
	}
	return refused
}
