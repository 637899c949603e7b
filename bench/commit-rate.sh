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
#   At saturation (closed loop) writes take part of the reading. The rounds tell how much: Authorize alone; beside as
#   many writes as the target; and beside as many single Authorize over as many other connections, which is what so many
#   requests cost whatever they ask. CPU is that of the threads; "more for each" is the worker's CPU beyond what its
#   Authorize cost alone. Three times:
#   - on a core of its own (depth OWN_DEPTH, 64): the worker alone on SERVER_CPU, everything else, the load as well, on
#     CLIENT_CPU. Where that core was full, the rate is the load's limit; what the worker answered in a second of its
#     CPU is not.
#   - on half a core (depth 256): the same, with a busy loop on SERVER_CPU beside the worker, so that the load is never
#     the limit. So many writes weigh twice as much there.
#   - on one core (depth 16): all of evauthd on SERVER_CPU, the load on CLIENT_CPU.
set -u
. "$(dirname "$0")/servers.sh"

TOKENS=${TOKENS:-100000}
CONNECTIONS=${CONNECTIONS:-64}
SECONDS_EACH=${SECONDS_EACH:-5}
READS=${READS:-20000}
ROUNDS=${ROUNDS:-5}
ROUND_SECONDS=${ROUND_SECONDS:-1}
OWN_DEPTH=${OWN_DEPTH:-64}
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

# Of a core, us.
idle_us() { awk -v cpu="cpu$1" '$1 == cpu { print ($5 + $6) * 10000 }' /proc/stat; }

# us so far: used by worker, writer and the worker for writes, not used of CLIENT_CPU, and the time.
clocks() {
	echo "$(thread_us "$worker") $(thread_us "$writer") $(thread_us "$writes") $(idle_us "$CLIENT_CPU") $(now_ms)000"
}

# saturate NAME ARGUMENT...: appends a line "NAME reads writes seconds", and the differences of the clocks.
saturate() {
	name=$1
	shift
	before=$(clocks)
	line=$(load --server "$evauthd_address" --tokens "$TOKENS" --requests 200000 --connections 50 --depth "$depth" \
		--seconds "$ROUND_SECONDS" --warmup 0 "$@" 2>/dev/null)
	used=$(echo "$before $(clocks)" | awk '{ for (i = 1; i <= NF / 2; i++) printf "%d ", $(i + NF / 2) - $i }')
	echo "$name $(value "$line" requests) $(value "$line" writes) $(value "$line" seconds) $used" >>"$work/saturated"
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

# saturate_in_turn DEPTH WHERE
saturate_in_turn() {
	depth=$1
	rm -f "$work/saturated"
	round=0
	while [ $round -lt "$ROUNDS" ]; do
		saturate alone
		saturate writes --writes "$target" --write-connections "$CONNECTIONS"
		saturate_beside_reads
		round=$((round + 1))
	done
	echo "saturated, depth $depth, $2:"
	print_saturation
}

print_saturation() {
	python3 - "$work/saturated" "$target" <<-'PYTHON'
		import collections, statistics, sys
		Round = collections.namedtuple("Round", "reads writes seconds worker writer writes_worker idle time")
		rounds = collections.defaultdict(list)
		with open(sys.argv[1]) as lines:
		    for line in lines:
		        name, *figures = line.split()
		        rounds[name].append(Round(*map(float, figures)))
		def spread(figures, form):
		    figures = list(figures)
		    return f"{statistics.median(figures):{form}} ({min(figures):{form}}-{max(figures):{form}})"
		alone = rounds["alone"]
		print(f"  alone {statistics.median(r.reads / r.seconds for r in alone):.0f} Authorize a second,"
		      f" {spread((r.worker / r.reads for r in alone), '.3f')} us of the worker each")
		for name, what in ("writes", "changes"), ("reads", "other Authorize"):
		    pairs = list(zip(rounds[name], alone))
		    rate = (r.reads / r.seconds / (a.reads / a.seconds) for r, a in pairs)
		    by_cpu = (r.reads / r.worker / (a.reads / a.worker) for r, a in pairs)
		    more = ((r.worker - r.reads * a.worker / a.reads) / (r.writes or float(sys.argv[2]) * r.seconds)
		            for r, a in pairs)
		    idle = statistics.median(r.idle / r.time for r in rounds[name])
		    print(f"  beside {sys.argv[2]} {what} a second {spread(rate, '.2f')} of that rate"
		          + (" (the load's core was full: its limit)" if idle < 0.05 else ""))
		    print(f"    {spread(by_cpu, '.2f')} of the Authorize for a second of the worker's CPU;"
		          f" {spread(more, '.1f')} us of it more for each")
		writes = rounds["writes"]
		print(f"  for each change: writer {spread((r.writer / r.writes for r in writes), '.1f')} us, worker for writes"
		      f" {spread((r.writes_worker / r.writes for r in writes), '.1f')} us;"
		      f" {statistics.median(r.writes / r.seconds for r in writes):.0f} changes a second")
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
writes=$(thread_of worker-writes)
taskset -a -p -c "$CLIENT_CPU" "$evauthd_pid" >/dev/null
taskset -p -c "$SERVER_CPU" "$worker" >/dev/null
saturate_in_turn "$OWN_DEPTH" "the worker on a core of its own"
taskset -c "$SERVER_CPU" sh -c 'while :; do :; done' &
busy=$!
server_pids="$server_pids $busy"
saturate_in_turn 256 "the worker with half a core"
stop_server "$busy" 2>/dev/null
taskset -a -p -c "$SERVER_CPU" "$evauthd_pid" >/dev/null
saturate_in_turn 16 "all of evauthd on one core"
[ "$rate" -ge "$target" ] && [ "$(calculate %d "$answered * 1000")" -ge 900 ]
