// Package repo holds no code, only tests of what the repository says about itself.
package repo
