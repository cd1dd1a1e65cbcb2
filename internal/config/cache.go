package config

import "path/filepath"

// CacheDir is the folder that keeps for the next run what can be had again, such as an
// integrator's token, by the environment: os.UserCacheDir, of which we take a part.
// It is "" where the environment names none.
func CacheDir(getenv func(string) string) string {
	if dir := getenv("XDG_CACHE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "rawlogs")
	}
	if home := getenv("HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, ".cache", "rawlogs")
	}
	return ""
}
