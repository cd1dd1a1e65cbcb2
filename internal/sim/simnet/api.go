package simnet

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"rawlogs/internal/rawlog"
)

// APIPath is where the API answers.
const APIPath = "/Apiv3/json"

// ServeHTTP answers the API at APIPath; every error is an HTTP 200, as there.
func (n *Network) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == AuthorizePath {
		n.Access.authorize(w, r)
		return
	}
	if n.download(w, r) {
		return
	}
	if r.URL.Path != APIPath {
		http.NotFound(w, r)
		return
	}
	q := parameters(r)
	if q.Get("NetworkId") != n.cfg.ID {
		n.denied(q.Get("Method"))
		n.write(w, r, q, unknownNetwork("Network id is not valid"))
		return
	}
	call, usage, number := n.admit(q.Get("Method"))
	if call.Refused {
		n.write(w, r, q, RateLimited(n.cfg.Limit, n.cfg.Window, usage))
		return
	}
	req := Request{
		Method: q.Get("Method"), Type: rawlog.Type(q.Get("log_type")),
		DateDir: q.Get("date_dir"), Name: q.Get("log_filename"), N: number,
	}
	if a := n.Faults.intercept(req); a != nil {
		n.write(w, r, q, a)
		return
	}
	token := n.cfg.Token
	if n.Faults.isRevoked() {
		token = "\x00" // nobody has it
	}
	if a := n.Access.refuse(r, q, token); a != nil {
		n.deny(call)
		n.write(w, r, q, a)
		return
	}
	n.write(w, r, q, n.call(r, q, req))
}

func (n *Network) call(r *http.Request, q url.Values, req Request) *Answer {
	if a := n.report(q); a != nil {
		return a
	}
	if a := n.reportLink(r, q); a != nil {
		return a
	}
	if a := n.adjustClicks(q); a != nil {
		return a
	}
	if a := n.entity(q); a != nil {
		return a
	}
	if target := q.Get("Target"); target != "RawLog" || n.Faults.hasRetiredRawLogs() {
		return Failure(fmt.Sprintf("Target %s does not exist.", target))
	}
	switch req.Method {
	case "listDateDirs", "listLogs", "getDownloadLink":
		if a := validate(q, req); a != nil {
			return a
		}
	case "getLogExpirations":
		days := make(map[rawlog.Type]string)
		for t, d := range n.cfg.Retention {
			days[t] = strconv.Itoa(d)
		}
		return success(map[string]any{"logExpireInDays": days})
	default:
		return Failure(fmt.Sprintf("Method RawLog::%s does not exist.", req.Method))
	}
	switch req.Method {
	case "listDateDirs":
		return n.listDateDirs(req)
	case "listLogs":
		return n.listLogs(req)
	default:
		return n.downloadLink(r, req)
	}
}

func (n *Network) listDateDirs(req Request) *Answer {
	type dir struct {
		DisplayName string `json:"displayName"`
		DirName     string `json:"dirName"`
	}
	var dirs []dir
	for _, f := range n.Faults.edit(req, n.list(req.Type, "")) {
		name := f.Hour.Format(rawlog.DayLayout)
		if len(dirs) == 0 || dirs[len(dirs)-1].DirName != name {
			dirs = append(dirs, dir{DisplayName: f.Hour.Format("Jan 2, 2006"), DirName: name})
		}
	}
	if dirs == nil {
		return success([]any{})
	}
	return success(map[string]any{"logType": req.Type, "dateDirs": dirs})
}

func (n *Network) listLogs(req Request) *Answer {
	type log struct {
		DisplayName    string `json:"displayName"`
		StartTimestamp string `json:"startTimestamp"`
		Filename       string `json:"filename"`
	}
	var logs []log
	if len(req.DateDir) == len(rawlog.DayLayout) || !n.Faults.refusesPrefixes() {
		for _, f := range n.Faults.edit(req, n.list(req.Type, req.DateDir)) {
			logs = append(logs, log{
				DisplayName:    f.Hour.Format("Jan 2, 2006 - 03:04 pm"),
				StartTimestamp: strconv.FormatInt(f.Hour.Unix(), 10),
				Filename:       f.Name,
			})
		}
	}
	if logs == nil {
		return success([]any{})
	}
	return success(map[string]any{"logFiles": logs, "logType": req.Type, "logDate": req.DateDir, "fetchTime": 0.12})
}

func (n *Network) downloadLink(r *http.Request, req Request) *Answer {
	if !n.known(req.Type, req.Name) {
		return Failure("The requested log file was not found.")
	}
	link, err := n.presign(r.Context(), n.Key(req.Type, req.Name))
	if err != nil {
		return &Answer{Status: http.StatusInternalServerError, Type: "text/plain", Body: err.Error()}
	}
	return success(map[string]any{"link": link})
}

// validate refuses missing and impossible parameters; as in the real API, only
// the first error has a public message.
func validate(q url.Values, req Request) *Answer {
	type invalid struct {
		Code      int    `json:"err_code"`
		Message   string `json:"err_msg"`
		Attribute string `json:"attribute_name"`
		Public    string `json:"publicMessage,omitempty"`
	}
	var all []invalid
	add := func(attribute, message string) {
		e := invalid{Code: 3, Message: message, Attribute: attribute}
		if len(all) == 0 {
			e.Public = message
		}
		all = append(all, e)
	}
	need := func(name string) bool {
		if q.Get(name) == "" {
			add(name, name+" is a required parameter.")
			return false
		}
		return true
	}
	if need("log_type") {
		if _, err := rawlog.ParseType(q.Get("log_type")); err != nil {
			add("log_type", "log_type must be one of clicks, conversions, impressions.")
		}
	}
	switch req.Method {
	case "listLogs":
		need("date_dir")
	case "getDownloadLink":
		need("log_filename")
	}
	if all == nil {
		return nil
	}
	return answer(map[string]any{"status": -1, "httpStatus": 200, "data": "", "errors": all, "errorMessage": all[0].Message})
}

func success(data any) *Answer {
	return answer(map[string]any{"status": 1, "httpStatus": 200, "data": data, "errors": []any{}, "errorMessage": nil})
}

// Failure is an API error with that message, in the usual shape.
func Failure(message string) *Answer {
	return answer(map[string]any{
		"status": -1, "httpStatus": 200, "data": "",
		"errors": []any{map[string]string{"publicMessage": message}}, "errorMessage": message,
	})
}

// unknownNetwork is the odd shape of refused credentials: errors is an object
// and there is no status.
func unknownNetwork(message string) *Answer {
	return answer(map[string]any{"errors": map[string]string{"publicMessage": message}, "errorMessage": message})
}

// answer holds the response member; write adds the echo of the request.
func answer(response map[string]any) *Answer {
	body, err := json.Marshal(response)
	if err != nil {
		panic(err) // maps of strings and numbers always marshal
	}
	return &Answer{Type: envelope, Body: string(body)}
}

// envelope marks an Answer whose body is the envelope's response member.
const envelope = "envelope"

func (n *Network) write(w http.ResponseWriter, r *http.Request, q url.Values, a *Answer) {
	if a.Stall > 0 {
		select {
		case <-time.After(a.Stall):
		case <-r.Context().Done():
			return
		}
	}
	if a.Reset {
		panic(http.ErrAbortHandler)
	}
	body := []byte(a.Body)
	w.Header().Set("Content-Type", a.Type)
	if a.Type == envelope {
		w.Header().Set("Content-Type", "application/json")
		echo := map[string]any{"Format": "json", "Service": "HasOffers", "Version": "2"}
		for name, values := range q {
			echo[name] = values[0] // the token too, in clear, as the real one does
		}
		body = fmt.Appendf(nil, `{"request":%s,"response":%s}`, mustJSON(echo), a.Body)
	}
	status := a.Status
	if status == 0 {
		status = http.StatusOK
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if a.Cut {
		_, _ = w.Write(body[:len(body)/2])
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(body) // the client may be gone
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings always marshal
	}
	return b
}
