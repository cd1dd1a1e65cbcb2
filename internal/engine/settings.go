//go:build linux && amd64

package engine

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"os"
	"runtime"
	"text/template"
)

// The server's configuration. Everything a loader's and a few analysts' server
// needs, and nothing that writes without end: the logs of queries and parts are
// small and go after a week, the server's own metrics are not kept. A deletion
// waits for slots that merges leave free: with twice the usual number of slots
// on the same threads it takes a fifth of a second instead of a whole one. Where
// there are more parts than slots, the server looks for a free one after a tenth of
// a second and a random time, by default of up to a whole one.
var configTemplate = template.Must(template.New("config.xml").Funcs(template.FuncMap{"xml": escapeXML}).Parse(`<clickhouse>
  <log-level>information</log-level>
  <logger>
    <console>0</console>
    <log>{{xml .ServerLog}}</log>
    <errorlog>{{xml .ErrorLog}}</errorlog>
    <size>20M</size>
    <count>3</count>
  </logger>
  <path>{{xml .Data}}/</path>
  <user_files_path>{{xml .Files}}/</user_files_path>
  <listen_host>127.0.0.1</listen_host>
  <tcp_port>{{.TCPPort}}</tcp_port>
  <http_port>{{.HTTPPort}}</http_port>
  <users_config>{{xml .Users}}</users_config>
  <default_profile>default</default_profile>
  <timezone>UTC</timezone>
  <max_server_memory_usage>{{.MaxMemory}}</max_server_memory_usage>
  <mark_cache_size>{{.MarkCache}}</mark_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <background_pool_size>{{.Pool}}</background_pool_size>
  <background_merges_mutations_concurrency_ratio>4</background_merges_mutations_concurrency_ratio>
  <background_processing_pool_task_sleep_seconds_when_no_work_random_part>0.05</background_processing_pool_task_sleep_seconds_when_no_work_random_part>
  <background_schedule_pool_size>4</background_schedule_pool_size>
  <background_fetches_pool_size>1</background_fetches_pool_size>
  <background_common_pool_size>2</background_common_pool_size>
  <merge_tree>
    <cleanup_delay_period>1</cleanup_delay_period>
    <cleanup_delay_period_random_add>0</cleanup_delay_period_random_add>
    <max_cleanup_delay_period>3</max_cleanup_delay_period>
    <min_rows_to_fsync_after_merge>1</min_rows_to_fsync_after_merge>
    <min_columns_to_activate_adaptive_write_buffer>32</min_columns_to_activate_adaptive_write_buffer>
    <number_of_free_entries_in_pool_to_lower_max_size_of_merge>2</number_of_free_entries_in_pool_to_lower_max_size_of_merge>
    <number_of_free_entries_in_pool_to_execute_mutation>2</number_of_free_entries_in_pool_to_execute_mutation>
    <number_of_free_entries_in_pool_to_execute_optimize_entire_partition>2</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>
  </merge_tree>
  <keep_alive_timeout>30</keep_alive_timeout>
  <shutdown_wait_unfinished>2</shutdown_wait_unfinished>
  <disable_suggestion>1</disable_suggestion>
  <macros><engine_start>{{xml .Nonce}}</engine_start></macros>
  <query_log>
    <database>system</database><table>query_log</table>
    <ttl>event_date + INTERVAL 7 DAY</ttl>
    <flush_interval_milliseconds>7500</flush_interval_milliseconds>
  </query_log>
  <part_log>
    <database>system</database><table>part_log</table>
    <ttl>event_date + INTERVAL 7 DAY</ttl>
    <flush_interval_milliseconds>7500</flush_interval_milliseconds>
  </part_log>
</clickhouse>
`))

// The session that opens the listeners is the user default and cannot have a
// password. It may do nothing else, and nobody else can be that user: the one
// session that it may have lasts as long as the server, so that neither another
// user of the machine nor a page in somebody's browser closes the listeners
// again or makes the server compute.
var usersTemplate = template.Must(template.New("users.xml").Funcs(template.FuncMap{"xml": escapeXML}).Parse(`<clickhouse>
  <profiles>
    <default/>
    <start><max_sessions_for_user>{{.Sessions}}</max_sessions_for_user></start>
    <reader>
      <readonly>2</readonly>
      <max_memory_usage>{{.ReaderMemory}}</max_memory_usage>
      <max_execution_time>3600</max_execution_time>
      <max_concurrent_queries_for_user>16</max_concurrent_queries_for_user>
      <constraints>
        <max_memory_usage><min>1</min><max>{{.ReaderMemory}}</max></max_memory_usage>
        <max_concurrent_queries_for_user><const/></max_concurrent_queries_for_user>
      </constraints>
    </reader>
  </profiles>
  <quotas><default/></quotas>
  <users>
    <default>
      <password/>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>start</profile><quota>default</quota>
      <grants><query>GRANT SYSTEM LISTEN ON *.*</query></grants>
    </default>
    <{{.User}}>
      <password_sha256_hex>{{.PasswordHash}}</password_sha256_hex>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile><quota>default</quota>
    </{{.User}}>
    <{{.Reader}}>
      <password_sha256_hex>{{.ReaderHash}}</password_sha256_hex>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>reader</profile><quota>default</quota>
      <grants>{{range .ReaderGrants}}
        <query>{{xml .}}</query>{{end}}
      </grants>
    </{{.Reader}}>
  </users>
</clickhouse>
`))

// systemDatabase makes the system database an ordinary one, without which its
// log tables break at the second start.
const systemDatabase = "ATTACH DATABASE system\nENGINE = Ordinary\n"

// writeSettings puts the files in place that the server reads at its start.
func (f folder) writeSettings(s hostSpec, maxMemory int64) error {
	values := map[string]any{
		"ServerLog": f.file(serverLog), "ErrorLog": f.file(errorLog), "Data": f.file(dataFolder), "Files": f.file(filesFolder), "Users": f.file(usersFile),
		"TCPPort": s.TCPPort, "HTTPPort": s.HTTPPort, "Nonce": s.Nonce,
		"MaxMemory": maxMemory, "MarkCache": min(maxMemory/20, 256<<20),
		"Pool":     min(max(runtime.NumCPU(), 2), 16),
		"Sessions": 1, //guard:engine-default-user
		"User":     s.User, "PasswordHash": passwordHash(s.Password),
		"Reader": readerName, "ReaderHash": passwordHash(s.ReaderPassword), "ReaderGrants": ReaderGrants(""), "ReaderMemory": maxMemory / 2,
	}
	for name, t := range map[string]*template.Template{configFile: configTemplate, usersFile: usersTemplate} {
		var buf bytes.Buffer
		if err := t.Execute(&buf, values); err != nil {
			return err
		}
		if err := f.write(name, buf.Bytes()); err != nil {
			return err
		}
	}
	metadata := f.file(dataFolder + "/metadata")
	if err := os.MkdirAll(metadata, 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(metadata+"/system.sql", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if os.IsExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = file.WriteString(systemDatabase)
	if cerr := file.Close(); err == nil {
		err = cerr
	}
	return err
}

func passwordHash(password string) string {
	hash := sha256.Sum256([]byte(password))
	return hex.EncodeToString(hash[:])
}

func escapeXML(s string) (string, error) {
	var buf bytes.Buffer
	err := xml.EscapeText(&buf, []byte(s))
	return buf.String(), err
}
