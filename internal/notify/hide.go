package notify

import (
	"rawlogs/internal/plain"
	"rawlogs/internal/secret"
)

// Hider returns a function that makes text fit to be sent: without secrets, and without
// control characters other than line breaks.
func Hider(secrets []string) func(text string) string {
	hide := secret.Hider(secrets)
	return func(text string) string { return plain.Lines(hide(text)) } //guard:notify-secrets
}
