#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# How many single changes a second are committed with full fsync, and what reading pays for it meanwhile.
#
#   sh bench/commit-rate.sh
#
#   TOKENS (100000), CONNECTIONS for Apply (64), SECONDS_EACH (5), READS a second beside them (20000); and those of
#   bench/servers.sh. The target is the smaller of 10,000 and 0.8 * CONNECTIONS / time of an fdatasync of 4 KiB in the
#   store's directory. Reading is compared at a fixed rate, without writes and with as many as the target: what was
#   answered, and the median latency. Exit code 0 when the writes meet their target and reading lost no more than 10 %
#   of its rate.
set -u
. "$(dirname "$0")/servers.sh"

TOKENS=${TOKENS:-100000}
CONNECTIONS=${CONNECTIONS:-64}
SECONDS_EACH=${SECONDS_EACH:-5}
READS=${READS:-20000}
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
[ "$rate" -ge "$target" ] && [ "$(calculate %d "$answered * 1000")" -ge 900 ]
