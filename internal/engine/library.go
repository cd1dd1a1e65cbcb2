package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"rawlogs/internal/trust"
)

// Version is the npm version of the library that `make engine` fetches; the
// lock file beside package.json holds its checksum.
const Version = "26.7.3-stable.1"

const (
	libraryName    = "libchdb.so"
	libraryPackage = "node_modules/@chdb/lib-linux-x64-gnu"
)

// FindLibrary returns the path of libchdb.so: setting if it is not empty, else
// the first found in node_modules beside the program or its folder (a checkout's
// bin/ingest), the cache folder, and the system's library folders. Never is it
// one of the working folder's, which may be anybody's. ErrNoLibrary says how to
// get it; one that others can replace is refused, as it would run as this user.
func FindLibrary(setting string) (string, error) {
	if setting != "" {
		path, err := filepath.Abs(setting)
		if err != nil {
			return "", err
		}
		info, err := os.Stat(path)
		if err == nil && info.IsDir() {
			path = filepath.Join(path, libraryName)
			info, err = os.Stat(path)
		}
		if err != nil {
			return "", fmt.Errorf("engine library: %w", err)
		}
		if !info.Mode().IsRegular() {
			return "", fmt.Errorf("engine library: %s is not a file", path)
		}
		return path, trusted(path)
	}
	program, err := os.Executable()
	if err != nil {
		program = "" // then it has no folder to look in
	}
	for _, path := range libraryPlaces(program) {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, trusted(path)
		}
	}
	looked := strings.Join(libraryPlaces(program), ", ")
	if cacheFolder() == "" { // as for a service without a user
		looked += "; in no cache, as neither HOME nor XDG_CACHE_HOME is set to an absolute path"
	}
	return "", fmt.Errorf("%w (version %s; looked in %s), or name it with INGEST_ENGINE_LIBRARY", ErrNoLibrary, Version, looked)
}

func trusted(path string) error {
	err := trust.File(path) //guard:library-trusted
	var doubt *trust.Error
	if errors.As(err, &doubt) {
		return fmt.Errorf("engine library: %w, and it would run as you: %s, or name another with INGEST_ENGINE_LIBRARY", err, doubt.Do)
	}
	if err != nil {
		return fmt.Errorf("engine library: %w", err)
	}
	return nil
}

// libraryPlaces are all absolute: a relative one would be the working folder's.
func libraryPlaces(program string) []string {
	var places []string
	if filepath.IsAbs(program) {
		dir := filepath.Dir(program)
		places = append(places, filepath.Join(dir, libraryPackage, libraryName), filepath.Join(filepath.Dir(dir), libraryPackage, libraryName))
	}
	if dir := cacheFolder(); dir != "" {
		places = append(places, filepath.Join(dir, libraryName))
	}
	for _, dir := range append(filepath.SplitList(os.Getenv("LD_LIBRARY_PATH")), "/usr/local/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib") {
		if filepath.IsAbs(dir) {
			places = append(places, filepath.Join(dir, libraryName))
		}
	}
	return places
}

// cacheFolder is where `make engine` puts the library, outside any checkout; ""
// for a user who has none.
func cacheFolder() string {
	base := os.Getenv("XDG_CACHE_HOME")
	if !filepath.IsAbs(base) {
		home := os.Getenv("HOME")
		if !filepath.IsAbs(home) { //guard:library-absolute
			return ""
		}
		base = filepath.Join(home, ".cache")
	}
	return filepath.Join(base, "rawlogs", "engine", Version)
}
