# SPDX-License-Identifier: Apache-2.0
# What the measuring scripts share; sourced by them. Servers are started on free ports and temporary folders, and
# stopped by their pids when the script ends, however it ends.
#
#   BUILD       where evauthd, evauth and evauth-bench are        (build/release/bin)
#   SERVER_CPU  the core for the server under test                (0)
#   CLIENT_CPU  the core for the load                             (the last one)
#   OTHERS_MAX  percent of a core that anything else may use during a run; what is disturbed more is run again, up to
#               RETRIES_MAX times in all                          (20, 40)

root=$(cd "$(dirname "$0")/.." && pwd)
BUILD=${BUILD:-$root/build/release/bin}
SERVER_CPU=${SERVER_CPU:-0}
CLIENT_CPU=${CLIENT_CPU:-$(($(nproc) - 1))}
OTHERS_MAX=${OTHERS_MAX:-20}
RETRIES_MAX=${RETRIES_MAX:-40}
work=$(mktemp -d "${TMPDIR:-/tmp}/evauth-bench.XXXXXX")
server_pids=

finish() {
	for pid in $server_pids; do
		kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

die() {
	echo "$0: $*" >&2
	exit 2
}

for program in evauthd evauth evauth-bench; do
	[ -x "$BUILD/$program" ] || die "no $BUILD/$program: cmake --preset release && cmake --build --preset release"
done

now_ms() { date +%s%3N; }

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
	deadline=$(($(now_ms) + $1 * 1000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(now_ms)" -lt $deadline ] || die "waited in vain for: $*"
		sleep 0.01
	done
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# start_evauthd ARGUMENT...: sets evauthd_pid and evauthd_address. The store outlives a restart.
start_evauthd() {
	rm -f "$work/port"
	taskset -c "${EVAUTHD_CPUS:-$SERVER_CPU}" "$BUILD/evauthd" --store "$work/store" --listen 127.0.0.1:0 \
		--port-file "$work/port" --log-level warning --client-unknown-tokens-per-second 0 "$@" 2>"$work/evauthd.log" &
	evauthd_pid=$!
	server_pids="$server_pids $evauthd_pid"
	wait_for 60 evauthd_is_up_or_gone
	kill -0 "$evauthd_pid" 2>/dev/null || die "evauthd ended: $(cat "$work/evauthd.log")"
	evauthd_address=127.0.0.1:$(sed -n '1s/.*[^0-9]//; 1p' "$work/port")
}
evauthd_is_up_or_gone() { [ -s "$work/port" ] || ! kill -0 "$evauthd_pid" 2>/dev/null; }

# stop_server PID
stop_server() {
	kill "$1" && wait "$1"
	server_pids=$(echo "$server_pids" | sed "s/ $1\b//")
}

# import_world TOKENS SEED: into the running daemon.
import_world() {
	"$BUILD/evauth-bench" generate --tokens "$1" --seed "$2" --out "$work/world.jsonl" 2>"$work/world.txt" ||
		die "generate failed"
	"$BUILD/evauth" --server "$evauthd_address" import "$work/world.jsonl" >"$work/import.txt" 2>&1 ||
		die "import failed: $(cat "$work/import.txt")"
}

# start_redis KEYS VALUE_SIZE: sets redis_pid and redis_address. Keeps nothing on disk.
start_redis() {
	command -v redis-server >/dev/null || die "no redis-server: apt-get install redis-server"
	redis_port=$(free_port)
	mkdir "$work/redis"
	taskset -c "$SERVER_CPU" redis-server --port "$redis_port" --bind 127.0.0.1 --save '' --appendonly no \
		--dir "$work/redis" --daemonize no >"$work/redis.log" 2>&1 &
	redis_pid=$!
	server_pids="$server_pids $redis_pid"
	redis_address=127.0.0.1:$redis_port
	wait_for 10 "$BUILD/evauth-bench" resp-load --resp "$redis_address" --keys 1 --value-size "$2"
	"$BUILD/evauth-bench" resp-load --resp "$redis_address" --keys "$1" --value-size "$2" || die "resp-load failed"
}

# load ARGUMENT...: one measured run; prints its JSON line.
load() {
	taskset -c "$CLIENT_CPU" "$BUILD/evauth-bench" run --json "$@" || die "the run failed"
}

# load_alone ARGUMENT...: the same, again and again until nothing else disturbed it. Takes --server-pid.
load_alone() {
	while line=$(load "$@" 2>"$work/warnings"); do
		others=$(calculate %d "100 * $(value "$line" other_cpu_s) / $(value "$line" seconds)")
		[ "$others" -le "$OTHERS_MAX" ] && break
		retries=$(($(cat "$work/retries" 2>/dev/null || echo 0) + 1))
		echo "$retries" >"$work/retries" # in a file: this runs in subshells
		[ "$retries" -lt "$RETRIES_MAX" ] || break
	done
	[ -n "$line" ] || die "the run failed: $(cat "$work/warnings")"
	cat "$work/warnings" >&2
	echo "$line"
}
print_retries() {
	echo "runs repeated because something else used over $OTHERS_MAX % of a core:" \
		"$(cat "$work/retries" 2>/dev/null || echo 0)"
}

# value JSON NAME
value() { echo "$1" | sed -n "s/.*\"$2\":\([0-9.]*\).*/\1/p"; }

# One number a line on stdin.
median() { sort -n | awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

# calculate FORMAT EXPRESSION
calculate() { awk "BEGIN { printf \"$1\", ($2) }"; }

print_machine() {
	echo "machine: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $(nproc) cores, $(uname -sr)"
	echo "load average before: $(cut -d' ' -f1-3 /proc/loadavg)"
}
