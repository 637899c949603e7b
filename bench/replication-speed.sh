#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Two replicas and one Redis: how long a change takes from one to the other, how fast one catches up, and what following
# costs those who ask.
#
#   sh bench/replication-speed.sh
#
#   TOKENS (20000), COUNT of changes whose way is measured (2000), ENTRIES to catch up with (300000), CHANGES a second
#   to follow (5000), READS a second meanwhile (20000), SECONDS_EACH (5), ROUNDS (5), APPENDFSYNC of Redis (everysec);
#   and those of bench/servers.sh. The follower has SERVER_CPU, everything else CLIENT_CPU.
set -u
. "$(dirname "$0")/servers.sh"

TOKENS=${TOKENS:-20000}
COUNT=${COUNT:-2000}
ENTRIES=${ENTRIES:-300000}
CHANGES=${CHANGES:-5000}
READS=${READS:-20000}
SECONDS_EACH=${SECONDS_EACH:-5}
ROUNDS=${ROUNDS:-5}
APPENDFSYNC=${APPENDFSYNC:-everysec}

redis_is_up() { redis-cli -s "$work/redis.sock" PING; }

start_log() {
	command -v redis-server >/dev/null || die "no redis-server: apt-get install redis-server"
	mkdir "$work/redis"
	taskset -c "$CLIENT_CPU" redis-server --port 0 --unixsocket "$work/redis.sock" --dir "$work/redis" --save '' \
		--appendonly yes --appendfsync "$APPENDFSYNC" --daemonize no >"$work/redis.log" 2>&1 &
	redis_pid=$!
	server_pids="$server_pids $redis_pid"
	wait_for 10 redis_is_up
}

# start_replica NAME CPU [ARGUMENT...]: sets evauthd_pid. Its address is unix:$work/NAME.sock
start_replica() {
	name=$1 cpu=$2
	shift 2
	rm -f "$work/$name.port"
	taskset -c "$cpu" "$BUILD/evauthd" --store "$work/$name" --listen 127.0.0.1:0 --unix "$work/$name.sock" \
		--port-file "$work/$name.port" --log-level warning --workers 1 \
		--client-unknown-tokens-per-second 0 --redis "unix:$work/redis.sock" "$@" \
		2>"$work/$name.log" &
	evauthd_pid=$!
	server_pids="$server_pids $evauthd_pid"
	wait_for 60 test -s "$work/$name.port"
}

evauth() { "$BUILD/evauth" --server "unix:$work/$1.sock" --json status; }
revision() { evauth "$1" | sed -n 's/.*"revision": "\([0-9]*\).*/\1/p'; }
is_following() { evauth "$1" | grep -q '"state": "FOLLOWING"'; }
is_at() { [ "$(revision "$1")" = "$2" ]; }
cpu_ms() { awk -v tick="$(getconf CLK_TCK)" '{ print int(($14 + $15) * 1000 / tick) }' "/proc/$1/stat"; }

print_machine
echo "redis-server: appendonly yes, appendfsync $APPENDFSYNC"
start_log
start_replica first "$CLIENT_CPU"
first_pid=$evauthd_pid
wait_for 30 is_following first
start_replica second "$SERVER_CPU" --peer "unix:$work/first.sock"
second_pid=$evauthd_pid
wait_for 30 is_following second

evauthd_address=unix:$work/first.sock
import_world "$TOKENS" 1
wait_for 60 is_at second "$(revision first)"

echo "== from Apply at one replica to answers of the other that show it, $COUNT changes"
"$BUILD/evauth-bench" propagation --server "unix:$work/first.sock" --read-from "unix:$work/second.sock" \
	--count "$COUNT" --pollers 1 || die "propagation failed"

echo "== catching up, $ENTRIES entries of one change each"
stop_server "$second_pid"
last=$(python3 "$(dirname "$0")/replication_fill.py" "$work/redis.sock" "$ENTRIES") || die "the fill failed"
wait_for 120 is_at first "$last"
start_replica second "$SERVER_CPU"
second_pid=$evauthd_pid
wait_for 30 test -n "$(revision second)"
start_revision=$(revision second)
start_ms=$(now_ms)
wait_for 120 is_at second "$last"
elapsed_ms=$(($(now_ms) - start_ms))
echo "$((last - start_revision)) entries in $elapsed_ms ms:" \
	"$(calculate %d "($last - $start_revision) * 1000 / $elapsed_ms") entries a second"

echo "== what following $CHANGES changes a second costs, beside $READS Authorize a second, $ROUNDS rounds"
reads() {
	load --server "unix:$work/second.sock" --tokens "$TOKENS" --requests 100000 --rate "$READS" --connections 8 \
		--depth 16 --seconds "$SECONDS_EACH" --warmup 0.5 >"$work/reads.json"
}
# CPU of the follower, ms a second.
follower_cpu() {
	before=$(cpu_ms "$second_pid")
	began=$(now_ms)
	reads
	calculate "%.1f\n" "($(cpu_ms "$second_pid") - $before) * 1000 / ($(now_ms) - $began)"
}
for round in $(seq "$ROUNDS"); do
	follower_cpu >>"$work/alone"
	taskset -c "$CLIENT_CPU" "$BUILD/evauth-bench" run --json --server "unix:$work/first.sock" --tokens "$TOKENS" \
		--requests 1000 --rate 10 --connections 1 --seconds $((SECONDS_EACH + 2)) --writes "$CHANGES" \
		--write-connections 16 >"$work/writes.json" 2>&1 &
	writer_pid=$!
	wait_for 10 test "$(revision second)" -gt 0
	before_revision=$(revision second)
	follower_cpu >>"$work/following"
	echo "$(($(revision second) - before_revision))" >>"$work/revisions"
	wait "$writer_pid"
	value "$(cat "$work/writes.json")" writes_per_second >>"$work/rates"
done
alone=$(median <"$work/alone")
following=$(median <"$work/following")
echo "changes:   $(median <"$work/rates" | cut -d. -f1) a second, in $(calculate %d \
	"$(median <"$work/revisions") / $SECONDS_EACH") revisions a second"
echo "follower:  $alone ms of CPU a second alone, $following while following:" \
	"$(calculate %.1f "($following - $alone) / 10") % of a core, $(calculate %.2f "$following / $alone") times"
