package hasoffers

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// decode takes an answer apart: its data when the API says that all is well,
// or an *APIError without Target and Method. data is a part of body.
//
// The shapes: errors is an array, an object or missing; status is missing when
// the network is unknown; data is "" with an error, [] when a list is empty and
// null when a row does not exist; a proxy answers in HTML.
func decode(httpStatus int, body []byte) (json.RawMessage, *APIError) {
	trimmed := bytes.TrimSpace(body)
	malformed := func(what string) *APIError {
		e := &APIError{Kind: Malformed, HTTPStatus: httpStatus, Messages: []string{what}}
		if httpStatus != http.StatusOK {
			e.Kind, e.Messages = classify(httpStatus, nil, 0, ""), nil
		}
		return e
	}
	switch {
	case len(trimmed) == 0:
		return nil, malformed("the answer is empty")
	case trimmed[0] == '<':
		return nil, malformed("the answer is a page of HTML or XML instead of JSON")
	case !json.Valid(trimmed):
		return nil, malformed("the answer is truncated or not JSON")
	}
	var response json.RawMessage
	for name, value := range members(trimmed) {
		if name == "response" {
			response = value
		}
	}
	if response == nil && httpStatus != http.StatusOK {
		response = trimmed // the integrator's gateway answers without the envelope
	}
	if shape(response) != "an object" {
		return nil, malformed("the answer has no response object")
	}
	return unfold(httpStatus, response, malformed)
}

func unfold(httpStatus int, response json.RawMessage, malformed func(string) *APIError) (json.RawMessage, *APIError) {
	var data, status json.RawMessage
	e := &APIError{HTTPStatus: httpStatus}
	for name, value := range members(response) {
		switch name {
		case "status":
			status = value
		case "data":
			data = value
		case "errors", "errorMessage":
			e.collect(value)
		case "error", "message", "error_description": // the integrator's gateway
			if httpStatus != http.StatusOK {
				e.collect(value)
			}
		case "httpStatus":
			var n Int
			if n.UnmarshalJSON(value) == nil && httpStatus == http.StatusOK && n >= 400 && n < 600 {
				e.HTTPStatus = int(n)
			}
		}
	}
	var code Int
	if status != nil && code.UnmarshalJSON(status) != nil {
		return nil, malformed("the answer's status is " + shape(status))
	}
	switch {
	case httpStatus != http.StatusOK, len(e.Messages) > 0, e.Code != 0, status != nil && code != 1: //guard:api-refusal
		e.Kind = classify(e.HTTPStatus, e.Messages, e.Code, e.Attribute)
		if len(e.Messages) == 0 && status != nil {
			e.Messages = []string{"status " + strconv.Itoa(int(code)) + " without a message"}
		}
		return nil, e
	case status == nil:
		return nil, malformed("the answer has neither a status nor an error")
	case data == nil:
		return nil, malformed("the answer has no data")
	}
	return data, nil
}

// collect gathers messages from an error member of any shape.
func (e *APIError) collect(value json.RawMessage) {
	switch value[0] {
	case '"':
		var s string
		if json.Unmarshal(value, &s) == nil {
			e.say(s)
		}
	case '[':
		for v := range elements(value) {
			e.collect(v)
		}
	case '{':
		e.collectObject(value)
	}
}

// collectObject reads one error, or a map of them.
func (e *APIError) collectObject(value json.RawMessage) {
	var public, private string
	for name, v := range members(value) {
		var t Text
		scalar := t.UnmarshalJSON(v) == nil
		switch {
		case !scalar:
			e.collect(v)
		case name == "publicMessage":
			public = string(t)
		case name == "err_msg", name == "message", name == "error", name == "errorMessage":
			private = string(t)
		case name == "attribute_name":
			if e.Attribute == "" {
				e.Attribute = string(t)
			}
		case name == "err_code", name == "code":
			if n, err := strconv.Atoi(string(t)); err == nil && e.Code == 0 {
				e.Code = n
			}
		case v[0] == '"': // {"offer_id": "is invalid"}
			e.say(string(t))
		}
	}
	if public == "" {
		public = private
	}
	e.say(public)
}

func (e *APIError) say(message string) {
	message = strings.TrimSpace(message)
	if message != "" && !slices.Contains(e.Messages, message) && len(e.Messages) < 100 {
		e.Messages = append(e.Messages, message)
	}
}
