package firehose

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"rawlogs/internal/rawlog"
)

// pieceBytes bounds the text of one Item that is not an event.
const pieceBytes = 1 << 20

// Scanner finds the items of a text. It holds one line, and what that unpacks to.
type Scanner struct {
	src   *bufio.Reader
	most  int // bytes of a line, and of what a message unpacks to
	line  []byte
	begun bool // the first line is read
	queue []Item
	next  int
	place uint32
	long  bool // in the middle of a line that is longer than most
	piece int
}

// NewScanner returns a Scanner of a text. Lines of more than most bytes, and messages that
// hold more, are not read as events.
func NewScanner(src io.Reader, most int) *Scanner {
	return &Scanner{src: bufio.NewReaderSize(src, 64<<10), most: most}
}

// Next returns the next item, or io.EOF after the last; it holds until the next call.
// Another error is the source's own.
func (s *Scanner) Next() (*Item, error) {
	for s.next == len(s.queue) {
		s.queue, s.next = s.queue[:0], 0
		if err := s.read(); err != nil {
			return nil, err
		}
	}
	s.next++
	return &s.queue[s.next-1], nil
}

// read takes up the next line, however many items it has.
func (s *Scanner) read() error {
	line, whole, err := s.take()
	if err != nil {
		return err
	}
	if s.long || !whole {
		s.oversized(line, whole)
		return nil
	}
	text := bytes.TrimSpace(line)
	if !s.begun {
		if text = bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\ufeff"))); len(text) == 0 {
			return nil
		}
		s.begun = true
		rest, all, err := s.spread(text)
		if err != nil {
			return err
		}
		if all {
			text = rest
		}
	}
	if len(text) > 0 {
		s.message(text, 0)
	}
	return nil
}

// take reads a line, or the part of one that is as long as a line may be.
func (s *Scanner) take() (line []byte, whole bool, err error) {
	most := s.most
	if s.long {
		most = pieceBytes
	}
	s.line = s.line[:0]
	for {
		part, err := s.src.ReadSlice('\n')
		s.line = append(s.line, part...)
		switch {
		case err == nil:
			return s.line, true, nil
		case errors.Is(err, io.EOF):
			if len(s.line) == 0 && !s.long {
				return nil, false, io.EOF
			}
			return s.line, true, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, false, err
		case len(s.line) >= most:
			return s.line, false, nil
		}
	}
}

// oversized puts a line aside that is too long to be looked at, piece by piece.
func (s *Scanner) oversized(part []byte, end bool) {
	if !s.long {
		s.long, s.piece = true, 0
		s.place++
	}
	for len(part) > 0 {
		n := min(len(part), pieceBytes)
		s.queue = append(s.queue, Item{Place: s.place, Type: rawlog.Clicks, Piece: s.piece, Raw: part[:n],
			Reason: fmt.Sprintf("a line of more than %d bytes", s.most)})
		s.piece++
		part = part[n:]
	}
	s.long = !end
}

// spread reports whether the whole text is one value or message that spreads over its
// lines, as a file that holds one envelope may, and returns it. Else only text is read.
func (s *Scanner) spread(text []byte) (all []byte, is bool, err error) {
	packed := text[0] != '{' && text[0] != '['
	if packed && len(text) > 0 && s.unpacks(text) || !packed && json.Valid(text) {
		return nil, false, nil
	}
	text = bytes.Clone(text)
	rest, err := s.src.Peek(s.src.Size())
	if err == nil || errors.Is(err, bufio.ErrBufferFull) {
		// Longer than the buffer: read on in a larger one, which gives back what it took.
		larger := bufio.NewReaderSize(s.src, s.most)
		s.src = larger
		rest, err = larger.Peek(max(0, s.most-len(text)))
	}
	if !errors.Is(err, io.EOF) {
		if err == nil || errors.Is(err, bufio.ErrBufferFull) {
			return text, true, nil // too long for one value
		}
		return nil, false, err
	}
	all = append(append(text[:len(text):len(text)], '\n'), rest...)
	if packed {
		joined := bytes.Join(bytes.Fields(all), nil)
		is = len(rest) > 0 && s.unpacks(joined)
		all = joined
	} else {
		is = json.Valid(all)
	}
	if !is {
		return text, true, nil
	}
	_, err = s.src.Discard(len(rest))
	return bytes.TrimSpace(all), true, err
}

func (s *Scanner) unpacks(text []byte) bool {
	_, err := s.unpack(text)
	return err == nil
}

// message takes up a line: JSON as it is, or packed.
func (s *Scanner) message(text []byte, depth int) {
	if text[0] == '{' || text[0] == '[' || text[0] == '"' {
		s.values(text, depth)
		return
	}
	plain, err := s.unpack(text)
	if err != nil {
		s.reject("", err.Error(), text)
		return
	}
	if plain = bytes.TrimSpace(plain); len(plain) == 0 {
		s.reject("", "a message that holds nothing", text)
		return
	}
	s.values(plain, depth+1)
}

// unpack undoes base64 and gzip.
func (s *Scanner) unpack(text []byte) ([]byte, error) {
	var packed []byte
	err := errors.New("")
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if packed, err = enc.AppendDecode(nil, text); err == nil {
			break
		}
	}
	if err != nil {
		return nil, errors.New("neither JSON nor base64")
	}
	if len(packed) < 2 || packed[0] != 0x1f || packed[1] != 0x8b {
		if len(packed) > 0 && (packed[0] == '{' || packed[0] == '[') && json.Valid(packed) {
			return packed, nil
		}
		return nil, errors.New("base64, but not gzip")
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, errors.New("its gzip is damaged")
	}
	plain, err := io.ReadAll(io.LimitReader(z, int64(s.most)+1))
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF): //guard:message-truncated
		return nil, errors.New("its gzip ends too early: cut short")
	case err != nil:
		return nil, errors.New("its gzip is damaged")
	case len(plain) > s.most: //guard:message-bomb
		return nil, fmt.Errorf("it holds more than %d bytes", s.most)
	}
	return plain, nil
}

// values takes up JSON values that stand behind each other.
func (s *Scanner) values(text []byte, depth int) {
	dec := json.NewDecoder(bytes.NewReader(text))
	for {
		from := dec.InputOffset()
		var v json.RawMessage
		err := dec.Decode(&v)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			s.reject("", "not JSON: "+wording(err), bytes.TrimSpace(text[from:]))
			return
		}
		s.value(v, depth)
	}
}

func wording(err error) string {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return "it ends too early"
	}
	return err.Error()
}

// value takes up one value: an event, an envelope or a list of such, or a packed message.
func (s *Scanner) value(v json.RawMessage, depth int) {
	switch {
	case depth > maxDepth:
		s.reject("", "lists and messages within each other, too deep", v)
	case v[0] == '[':
		s.list(v, depth)
	case v[0] == '"':
		var text string
		if err := json.Unmarshal(v, &text); err != nil || text == "" {
			s.reject("", "not an event", v)
			return
		}
		plain, err := s.unpack([]byte(text))
		if err != nil {
			s.reject("", err.Error(), v)
			return
		}
		s.values(plain, depth+1)
	case v[0] == '{':
		s.object(v, depth)
	default:
		s.reject("", "not an event", v)
	}
}

func (s *Scanner) list(v json.RawMessage, depth int) {
	var elements []json.RawMessage
	if err := json.Unmarshal(v, &elements); err != nil {
		s.reject("", "not JSON: "+wording(err), v)
		return
	}
	for _, e := range elements {
		s.value(e, depth+1)
	}
}

// object takes up an event, or an envelope: what has no known action and a list.
func (s *Scanner) object(v json.RawMessage, depth int) {
	fields, lists, acts, err := parse(v)
	if err != nil {
		s.reject(actionOf(fields), err.Error(), v)
		return
	}
	if actionOf(fields) == "" && len(lists) > 0 && (!acts || slices.ContainsFunc(lists, func(l json.RawMessage) bool { return bytes.IndexByte(l, '{') > 0 })) {
		for _, l := range lists {
			s.list(l, depth+1)
		}
		return
	}
	if !acts { //guard:envelope-needs-list
		s.reject("", "neither an event (it has no action) nor an envelope (it has no list of events)", v)
		return
	}
	typ, event, err := newEvent(fields)
	if err != nil {
		s.reject(typ, err.Error(), v)
		return
	}
	s.place++
	s.queue = append(s.queue, Item{Place: s.place, Type: typ, Event: event})
}

// actionOf is the log type that the fields name, or "".
func actionOf(fields []Field) rawlog.Type {
	for _, f := range fields {
		if f.Key == "action" {
			if t, err := typeOf(f.Value); err == nil {
				return t
			}
		}
	}
	return ""
}

// reject keeps what is not an event.
func (s *Scanner) reject(typ rawlog.Type, why string, raw []byte) {
	if typ == "" {
		typ = rawlog.Clicks
	}
	s.place++
	for piece := 0; piece == 0 || len(raw) > 0; piece++ {
		n := min(len(raw), pieceBytes)
		s.queue = append(s.queue, Item{Place: s.place, Type: typ, Reason: why, Raw: bytes.Clone(raw[:n]), Piece: piece})
		raw = raw[n:]
	}
}
