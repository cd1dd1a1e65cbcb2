#!/usr/bin/env bash
# From a fresh clone to answers: fetches the embedded ClickHouse, builds, starts a
# simulated network, loads three days of its logs and queries them. With LOSE=1
# the network loses a file, and reconcile finds out which. Everything it starts
# ends with it; everything it writes, but bin/ and the caches, goes too.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

show() { # show a command as one would type it, then what it prints
  local word line='$'
  for word in "$@"; do
    case $word in
      *\'*) line+=" \"$word\"" ;;
      *[!A-Za-z0-9_./:=,%@+-]*) line+=" '$word'" ;;
      *) line+=" $word" ;;
    esac
  done
  if [ -t 1 ]; then line=$'\033[1m'$line$'\033[0m'; fi
  printf '\n%s\n' "$line"
  "$@"
}

# With cold caches this takes minutes: say how far it is.
moving() {
  awk '/^go: downloading/ { modules++; next_line() ; next }
    /^[A-Za-z0-9._\/~-]+$/ { packages++; next_line(); next }
    { print; fflush() }
    function next_line() { if ((modules + packages) % 50 == 0) { printf "# %d modules fetched, %d packages compiled\n", modules, packages; fflush() } }' >&2
}
GOFLAGS="-v ${GOFLAGS:-}" show make --no-print-directory engine build bin/versitygw 2> >(moving)

work=$(mktemp -d "${TMPDIR:-/tmp}/rawlogs-demo.XXXXXX")
simnet=
serve=
finish() {
  status=$?
  trap - EXIT INT TERM
  for pid in $serve $simnet; do
    if kill "$pid" 2>/dev/null; then
      wait "$pid" || true
    fi
  done
  [ "$status" -eq 0 ] || tail -n 20 "$work/simnet.log" >&2 || true
  rm -rf "$work"
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

cd "$work"
PATH=$root/bin:$PATH
export INGEST_STORE=embedded:$work/clickhouse

printf '\n# A simulated network: its API, and a real S3 server with three days of logs.\n'
first=$(date -u -d '3 days ago' +%Y%m%d)
last=$(date -u -d '1 day ago' +%Y%m%d)
printf '$ simnet --seed 1 --start %s --days 3 --rows-per-hour 1500 &\n' "$first"
simnet --seed 1 --start "$first" --days 3 --rows-per-hour 1500 \
  --env-file "$work/env" --ready-file "$work/ready" >"$work/simnet.log" 2>&1 &
simnet=$!
until [ -e "$work/ready" ]; do
  kill -0 "$simnet" 2>/dev/null || { echo "simnet did not start" >&2; exit 1; }
  sleep 0.1
done
grep -v '^time=' "$work/simnet.log"
# The network's id, its token and where its API is: what you have of a real one.
# shellcheck source=/dev/null
. "$work/env"

expect() { # STATUS COMMAND…: where the exit status is not 0, and that is right
  local want=$1 status=0
  shift
  show "$@" || status=$?
  if [ "$status" -ne "$want" ]; then
    echo "exit status $status, want $want" >&2
    exit 1
  fi
}

control=$(sed -n 's/^control *//p' "$work/simnet.log")
if [ -n "${LOSE:-}" ]; then
  printf '\n# The variant: the network loses the clicks of %sT05 after it has counted them.\n' "$first"
  curl -fsS -X POST "${control}lose?type=clicks&hour=$(date -u -d "$first" +%F)T05"
fi

show ingest check
expect 3 ingest backfill "$first..$last" # some lines of these logs are broken on purpose
# Each command would start the embedded ClickHouse anew; one that stays saves the time.
ingest serve -q >"$work/serve.log" 2>&1 &
serve=$!
printf '\n# What is wrong with a file stays an issue, and the exit status says so, until it is\n# mended at the source or somebody says why it needs no care.\n'
show ingest ignore "$first..$last" --reason 'broken on purpose'
printf '\n# Once more: nothing is new, so nothing is loaded.\n'
show ingest run --lookback 4
printf '\n# A file of the first day is published late; the nightly run finds it.\n'
curl -fsS -o /dev/null -X POST "${control}release"
show ingest run --lookback 4
show ingest status

printf '\n# The names behind the ids\n'
show ingest dims

printf '\n# Clicks per offer and day\n'
show ingest sql "SELECT toDate(datetime) AS day, offer_id, dictGet('offers', 'name', (network, offer_id)) AS offer, count() AS clicks
  FROM clicks GROUP BY day, network, offer_id ORDER BY day, clicks DESC, offer_id LIMIT 3 BY day"

printf '\n# Conversion rate by affiliate\n'
show ingest sql 'SELECT k.affiliate_id, any(a.company) AS affiliate, uniqExact(k.transaction_id) AS clicks,
    uniqExactIf(k.transaction_id, notEmpty(c.transaction_id)) AS converted, round(100 * converted / clicks, 2) AS percent
  FROM clicks AS k LEFT JOIN conversions AS c ON c.transaction_id = k.transaction_id
  LEFT JOIN dim_affiliates_current AS a ON a.network = k.network AND a.id = k.affiliate_id
  GROUP BY k.affiliate_id HAVING clicks >= 100 ORDER BY percent DESC, k.affiliate_id LIMIT 5'

printf '\n# Top countries by revenue\n'
show ingest sql 'SELECT country_code, currency, count() AS conversions, sum(revenue_cents) / 100 AS revenue
  FROM conversions GROUP BY country_code, currency ORDER BY revenue DESC, country_code LIMIT 5'

show ingest verify

printf '\n# Does the store agree with what the network itself reports, but for the broken lines?\n'
if [ -n "${LOSE:-}" ]; then
  expect 6 ingest reconcile --tolerance 1% "$first..$last"
else
  show ingest reconcile --tolerance 1% "$first..$last"
fi

printf '\n# The next night one file is odd: every line of it is cut short.\n'
curl -fsS -o /dev/null -X POST "${control}odd?kind=unread"
expect 3 ingest run --lookback 4
printf '\n# It stays an issue, with the night it began, until somebody says why it may …\n'
show ingest issues
odd=$(ingest issues --json | sed -n 's/^ *"name": "\(.*\)",$/\1/p')
show ingest ignore "$odd" --reason 'the network knows, and sends it again'
show ingest run --lookback 4
printf '\n# … or a sound file takes its place.\n'
curl -fsS -o /dev/null -X POST "${control}mend"
show ingest run --lookback 4
show ingest issues
