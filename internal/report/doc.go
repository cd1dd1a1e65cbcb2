// Package report asks a network for its own figures (Report::getStats and its
// affiliate and advertiser sisters) and keeps the answers in the store, by
// question and day, so that asking again replaces exactly what was there.
package report
