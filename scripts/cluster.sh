#!/usr/bin/env bash
# Two shards of two replicas, three Keepers and a load of a simulated network, by Docker Compose.
# `scripts/cluster.sh down -v` ends them.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! docker compose version >/dev/null 2>&1; then
  echo "make cluster needs Docker with Compose" >&2
  exit 1
fi
secrets=data/cluster.env
if [ ! -e "$secrets" ]; then
  mkdir -p data
  (
    umask 077
    for v in CLICKHOUSE_PASSWORD S3_ACCESS_KEY S3_SECRET_KEY SIMNET_TOKEN; do
      echo "$v=$(openssl rand -hex 16)"
    done >"$secrets"
  )
fi
compose=(docker compose --env-file "$secrets" --file contrib/cluster/docker-compose.yml)
if [ $# -gt 0 ]; then
  exec "${compose[@]}" "$@"
fi
"${compose[@]}" up --build --detach --wait ch11 ch12 ch21 ch22 simnet
"${compose[@]}" run --rm ingest
"${compose[@]}" run --rm ingest check
"${compose[@]}" run --rm ingest sql 'SELECT _shard_num AS shard, count() AS clicks FROM clicks GROUP BY shard ORDER BY shard'
echo "Servers stay: scripts/cluster.sh exec ch11 clickhouse-client, scripts/cluster.sh down -v"
