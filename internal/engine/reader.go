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
		grants = []string{"GRANT SELECT, dictGet ON `" + strings.NewReplacer("\\", "\\\\", "`", "\\`").Replace(database) + "`.*",
			// Where many tools look for tables; it shows each user what they may read.
			"GRANT SELECT ON information_schema.*", "GRANT SELECT ON INFORMATION_SCHEMA.*"}
	}
	for _, table := range []string{"parts", "parts_columns", "disks", "mutations", "merges"} {
		grants = append(grants, "GRANT SELECT ON system."+table)
	}
	return grants
}

// ReaderStatements make a role with the rights and limits of someone who analyzes,
// and a user who has it. The hash is of no password that anybody knows.
func ReaderStatements(database, name string) []string {
	role := "`" + name + "_role`"
	statements := []string{
		"CREATE ROLE IF NOT EXISTS " + role + " SETTINGS readonly = 2 READONLY, " +
			"max_execution_time = 600 MIN 1 MAX 3600, max_memory_usage = 8000000000 MIN 1 MAX 8000000000, " +
			"max_concurrent_queries_for_user = 8 READONLY, max_result_bytes = 4000000000 MIN 1 MAX 4000000000, result_overflow_mode = 'throw'",
	}
	for _, grant := range ReaderGrants(database) {
		statements = append(statements, grant+" TO "+role)
	}
	return append(statements,
		"CREATE USER IF NOT EXISTS `"+name+"` IDENTIFIED WITH sha256_hash BY '"+strings.Repeat("0", 64)+"' DEFAULT ROLE "+role,
		"GRANT "+role+" TO `"+name+"`",
	)
}
