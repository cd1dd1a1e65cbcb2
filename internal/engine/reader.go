package engine

import "strings"

// ReaderGrants are the rights of someone who analyzes: to read the tables of a
// database, or of every database but the server's own if it is "", and how much
// room they take. There is no right among them to write, to end queries, or to
// open what lies outside the database (FILE, URL, S3, REMOTE and their like):
// those read and write with the server's own rights, on its disk and in its
// network.
func ReaderGrants(database string) []string {
	grants := []string{"GRANT SELECT, dictGet ON *.*", "REVOKE ALL ON system.*"}
	if database != "" {
		grants = []string{"GRANT SELECT, dictGet ON `" + strings.NewReplacer("\\", "\\\\", "`", "\\`").Replace(database) + "`.*"}
	}
	for _, table := range []string{"parts", "parts_columns", "disks", "mutations", "merges"} {
		grants = append(grants, "GRANT SELECT ON system."+table)
	}
	return grants
}
