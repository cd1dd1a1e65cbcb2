package main

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

// form is what a version of a file looks like at its source.
type form string

const (
	sound    form = ""         // as its slot's version is
	padded   form = "padded"   // sound, and of the size of what it replaces where that is larger
	cut      form = "cut"      // a download that broke off
	flipped  form = "flipped"  // one bit of it
	nameless form = "nameless" // a sound ZIP whose header names no column
	empty    form = "empty"    // a sound ZIP of a text without a byte
	page     form = "page"     // of HTML
	dangling form = "dangling" // listed, but not to be had; of the API only
	gone     form = "gone"     // not even listed
)

// loads reports whether a file of this form has the rows of its version.
func (f form) loads() bool { return f == sound || f == padded }

// spoil makes the bytes of a form out of a sound file's. former is the size of
// the file that it replaces.
func spoil(f form, data []byte, former int64, streamed bool) ([]byte, error) {
	switch f {
	case sound:
		return data, nil
	case padded:
		return pad(data, former), nil
	case cut:
		return data[:len(data)*2/3], nil
	case flipped:
		data = bytes.Clone(data)
		data[len(data)/2] ^= 0x10
		return data, nil
	case nameless:
		lines := 10
		if streamed {
			lines = 1 << 20 // more than is held whole
		}
		return zipOf("one,two\n" + strings.Repeat("1,2\n", lines))
	case empty:
		return zipOf("")
	case dangling, gone:
	case page:
		return []byte("<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>\n"), nil
	}
	return nil, fmt.Errorf("a file that is %s has no bytes", f)
}

// pad makes an archive larger by a comment at its end.
func pad(data []byte, size int64) []byte {
	more := size - int64(len(data))
	if more <= 0 || more > 1<<16-1 {
		return data
	}
	data = append(bytes.Clone(data), bytes.Repeat([]byte("x"), int(more))...)
	binary.LittleEndian.PutUint16(data[len(data)-int(more)-2:], uint16(more))
	return data
}

func zipOf(text string) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	w, err := z.Create("log.csv")
	if err != nil {
		return nil, err
	}
	if _, err = w.Write([]byte(text)); err != nil {
		return nil, err
	}
	err = z.Close()
	return out.Bytes(), err
}
