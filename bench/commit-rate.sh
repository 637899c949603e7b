#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# How many single changes a second are committed with full fsync, and what reading pays for it meanwhile.
#
#   sh bench/commit-rate.sh
#
#   TOKENS (100000), CONNECTIONS for Apply (64), SECONDS_EACH (5), READS a second beside them (20000), ROUNDS (5) of
#   ROUND_SECONDS (1) at saturation; and those of bench/servers.sh. The target is the smaller of 10,000 and 0.8 *
#   CONNECTIONS / time of an fdatasync of 4 KiB in the store's directory. Reading is compared at a fixed rate, without
#   writes and with as many as the target: what was answered, and the median latency. Exit code 0 when the writes meet
#   their target and reading lost no more than 10 % of its rate.
#
#   At saturation (closed loop, depth 16, all of evauthd on SERVER_CPU) writes take part of the core. The rounds tell
#   where it goes: Authorize alone; beside as many writes as the target; and beside as many single Authorize over as
#   many other connections, which is what so many requests cost whatever they ask. CPU is that of the worker and of the
#   writer thread. "More for each" is the worker's CPU beyond what its Authorize of depth 16 cost alone.
set -u
. "$(dirname "$0")/servers.sh"

TOKENS=${TOKENS:-100000}
CONNECTIONS=${CONNECTIONS:-64}
SECONDS_EACH=${SECONDS_EACH:-5}
READS=${READS:-20000}
ROUNDS=${ROUNDS:-5}
ROUND_SECONDS=${ROUND_SECONDS:-1}
EVAUTHD_CPUS=${EVAUTHD_CPUS:-0-$(($(nproc) - 1))} # the writer has a thread of its own

# Microseconds, median of 500: a page appended and synced.
fdatasync_us() {
	python3 - "$work/store" <<-'PYTHON'
		import os, statistics, sys, time
		path = os.path.join(sys.argv[1], "fdatasync.probe")
		fd = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
		times = []
		for i in range(500):
		    os.pwrite(fd, os.urandom(4096), i % 64 * 4096)
		    begin = time.monotonic()
		    os.fdatasync(fd)
		    times.append(time.monotonic() - begin)
		os.close(fd)
		os.unlink(path)
		print(round(statistics.median(times) * 1e6))
	PYTHON
}

reads() {
	load --server "$evauthd_address" --tokens "$TOKENS" --requests 100000 --rate "$READS" --connections 8 --depth 16 \
		--seconds "$SECONDS_EACH" --warmup 1 "$@"
}

# thread_of NAME: of evauthd.
thread_of() { grep -l "^$1" /proc/"$evauthd_pid"/task/*/comm | sed 's/.*task.//; s/.comm//'; }
thread_us() { awk '{ printf "%d", $1 / 1000 }' /proc/"$evauthd_pid"/task/"$1"/schedstat; }

# saturate NAME ARGUMENT...: appends a line "NAME reads writes seconds worker_us writer_us".
saturate() {
	name=$1
	shift
	worker_before=$(thread_us "$worker")
	writer_before=$(thread_us "$writer")
	line=$(load --server "$evauthd_address" --tokens "$TOKENS" --requests 200000 --connections 50 --depth 16 \
		--seconds "$ROUND_SECONDS" --warmup 0 "$@" 2>/dev/null)
	echo "$name" "$(value "$line" requests)" "$(value "$line" writes)" "$(value "$line" seconds)" \
		$(($(thread_us "$worker") - worker_before)) $(($(thread_us "$writer") - writer_before)) >>"$work/saturated"
}

# As saturate(), with $target Authorize a second beside it from another process.
saturate_beside_reads() {
	load --server "$evauthd_address" --tokens "$TOKENS" --requests 10000 --rate "$target" --connections "$CONNECTIONS" \
		--spin-us 0 --warmup 0 --seconds $((ROUND_SECONDS + 1)) >/dev/null 2>&1 &
	others=$!
	sleep 0.5
	saturate reads
	wait $others
}

print_saturation() {
	python3 - "$work/saturated" "$target" <<-'PYTHON'
		import statistics, sys
		rounds = {}
		with open(sys.argv[1]) as lines:
		    for line in lines:
		        name, *figures = line.split()
		        rounds.setdefault(name, []).append([float(figure) for figure in figures])
		def median(name, figure):
		    return statistics.median(figure(*line) for line in rounds[name])
		rate = median("alone", lambda reads, writes, seconds, worker, writer: reads / seconds)
		each = median("alone", lambda reads, writes, seconds, worker, writer: worker / reads)
		print(f"saturated: alone {rate:.0f} Authorize a second, {each:.3f} us of the worker each")
		for name, what in ("writes", "changes"), ("reads", "other Authorize"):
		    more, ratio = [], []
		    for line, alone in zip(rounds[name], rounds["alone"]):
		        others = line[1] or float(sys.argv[2]) * line[2]
		        more.append((line[3] - line[0] * alone[3] / alone[0]) / others)
		        ratio.append(line[0] / line[2] / (alone[0] / alone[2]))
		    print(f"           beside {sys.argv[2]} {what} a second {statistics.median(ratio):.2f} of that rate"
		          f" ({min(ratio):.2f}-{max(ratio):.2f});"
		          f" {statistics.median(more):.1f} us of the worker more for each ({min(more):.1f}-{max(more):.1f})")
		each = median("writes", lambda reads, writes, seconds, worker, writer: writer / writes)
		print(f"           writer thread: {each:.1f} us for each change")
	PYTHON
}

print_machine
start_evauthd --workers 1
import_world "$TOKENS" 1
sync_us=$(fdatasync_us)
alone=$(reads)
most=$(reads --writes max --write-connections "$CONNECTIONS")
target=$(calculate %d "0.8 * $CONNECTIONS * 1000000 / $sync_us")
[ "$target" -gt 10000 ] && target=10000
beside=$(reads --writes "$target" --write-connections "$CONNECTIONS")

rate=$(calculate %d "$(value "$most" writes_per_second)")
answered=$(calculate %.3f "$(value "$beside" per_second) / $(value "$alone" per_second)")
median=$(calculate %.2f "$(value "$beside" p50_us) / $(value "$alone" p50_us)")
echo "fdatasync: $sync_us us"
echo "writes:    $rate changes a second from $CONNECTIONS connections (target $target)"
echo "reading:   at $READS a second, with $(calculate %d "$(value "$beside" writes_per_second)") writes a second to" \
	"without: $answered of the rate, $median of the median latency"

worker=$(thread_of worker-0)
writer=$(thread_of evauthd-writer)
taskset -a -p -c "$SERVER_CPU" "$evauthd_pid" >/dev/null
round=0
while [ $round -lt "$ROUNDS" ]; do
	saturate alone
	saturate writes --writes "$target" --write-connections "$CONNECTIONS"
	saturate_beside_reads
	round=$((round + 1))
done
print_saturation
[ "$rate" -ge "$target" ] && [ "$(calculate %d "$answered * 1000")" -ge 900 ]
