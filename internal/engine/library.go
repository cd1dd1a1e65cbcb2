package engine

import (
	"fmt"
	"os"
	"path/filepath"
)

// Version is the npm version of the library that `make engine` fetches; the
// lock file beside package.json holds its checksum.
const Version = "26.7.3-stable.1"

const (
	libraryName    = "libchdb.so"
	libraryPackage = "node_modules/@chdb/lib-linux-x64-gnu"
)

// FindLibrary returns the path of libchdb.so: setting if it is not empty, else
// the first found in node_modules (of the working directory's project, then of
// the program's), the cache folder, and the system's library folders.
// ErrNoLibrary says how to get it.
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
			return "", fmt.Errorf("engine library: %s is no file", path)
		}
		return path, nil
	}
	for _, path := range libraryPlaces() {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w (version %s; looked in node_modules, %s and the system's library folders), or name it with INGEST_ENGINE_LIBRARY",
		ErrNoLibrary, Version, cacheFolder())
}

func libraryPlaces() []string {
	var places []string
	if dir, err := os.Getwd(); err == nil {
		places = append(places, upwards(dir)...)
	}
	if exe, err := os.Executable(); err == nil {
		places = append(places, upwards(filepath.Dir(exe))...)
	}
	places = append(places, filepath.Join(cacheFolder(), libraryName))
	for _, dir := range append(filepath.SplitList(os.Getenv("LD_LIBRARY_PATH")), "/usr/local/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib") {
		if filepath.IsAbs(dir) {
			places = append(places, filepath.Join(dir, libraryName))
		}
	}
	return places
}

// upwards lists the places in dir and every folder above it, as node does.
func upwards(dir string) []string {
	var places []string
	for {
		places = append(places, filepath.Join(dir, libraryPackage, libraryName))
		parent := filepath.Dir(dir)
		if parent == dir {
			return places
		}
		dir = parent
	}
}

// cacheFolder is where `make engine` puts the library, outside any checkout.
func cacheFolder() string {
	base := os.Getenv("XDG_CACHE_HOME")
	if !filepath.IsAbs(base) {
		base = filepath.Join(os.Getenv("HOME"), ".cache")
	}
	return filepath.Join(base, "rawlogs", "engine", Version)
}
