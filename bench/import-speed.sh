#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# How fast a world is imported, how fast a daemon starts on it, and how much memory it takes.
#
#   sh bench/import-speed.sh
#
#   TOKENS (1000000); and those of bench/servers.sh. Exit code 0 when the targets are met: CHANGES_TARGET changes a
#   second (200000; wall time of `evauth import` with parsing and the last fsync), START_TARGET ms (2000; from exec to
#   listening, page cache warm), BYTES_TARGET of anonymous memory per token (350; RssAnon, both images).
set -u
. "$(dirname "$0")/servers.sh"

TOKENS=${TOKENS:-1000000}
CHANGES_TARGET=${CHANGES_TARGET:-200000}
START_TARGET=${START_TARGET:-2000}
BYTES_TARGET=${BYTES_TARGET:-350}
EVAUTHD_CPUS=${EVAUTHD_CPUS:-0-$(($(nproc) - 1))} # import and start-up may use the whole machine

anonymous_bytes() { awk '/^RssAnon:/ { printf "%.0f\n", $2 * 1024 }' "/proc/$1/status"; }

print_machine
begin=$(now_ms)
"$BUILD/evauth-bench" generate --tokens "$TOKENS" --seed 1 --out "$work/world.jsonl" 2>"$work/world.txt" ||
	die "generate failed"
echo "generated in $(($(now_ms) - begin)) ms: $(cat "$work/world.txt")"
changes=$(wc -l <"$work/world.jsonl")

start_evauthd
begin=$(now_ms)
"$BUILD/evauth" --server "$evauthd_address" import "$work/world.jsonl" >"$work/import.txt" 2>&1 ||
	die "import failed: $(tail -5 "$work/import.txt")"
import_ms=$(($(now_ms) - begin))
sleep 3 # memory is given back after a second of idleness
imported_bytes=$(anonymous_bytes "$evauthd_pid")
stop_server "$evauthd_pid"

begin=$(now_ms)
start_evauthd
start_ms=$(($(now_ms) - begin))
started_bytes=0
until [ "$(anonymous_bytes "$evauthd_pid")" -eq "$started_bytes" ]; do # the second image is being filled
	started_bytes=$(anonymous_bytes "$evauthd_pid")
	sleep 1
done
load --server "$evauthd_address" --tokens "$TOKENS" --requests 200000 --depth 16 --seconds 1 --warmup 0 >/dev/null

per_second=$((changes * 1000 / import_ms))
per_token=$((imported_bytes / TOKENS))
per_token_started=$((started_bytes / TOKENS))
echo "import:  $changes changes in $import_ms ms: $per_second changes/s (target $CHANGES_TARGET)"
echo "store:   $(du -sm "$work/store" | cut -f1) MiB on disk"
echo "start:   $start_ms ms (target $START_TARGET)"
echo "memory:  $per_token bytes of RssAnon per token after the import, $per_token_started after a restart" \
	"(target $BYTES_TARGET)"
echo "answers: checked against the world after the restart, all right"
[ "$per_second" -ge "$CHANGES_TARGET" ] && [ "$start_ms" -lt "$START_TARGET" ] &&
	[ "$per_token" -lt "$BYTES_TARGET" ] && [ "$per_token_started" -lt "$BYTES_TARGET" ]
