#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The pictures of the documents, measured and drawn anew on this machine:
#
#   docs/latency.svg      latency of Authorize over the load on one worker (evauth-bench run --scan)
#   docs/throughput.svg   decisions a second beside those of other servers (evauth-bench compare)
#   docs/ratios.svg       the same as ratios
#
#   sh bench/plots.sh [latency] [peers]      one of the two measurements; both without
#
#   OUT (docs), TOKENS (1000000), DURATION (1 s a run), ROUNDS (5; medians are drawn); of the scan SCAN
#   (200000:2000000:200000), SCAN_CONNECTIONS (4), SCAN_DEPTH (256); of the comparison CONNECTIONS (50), DEPTHS
#   (1,16,64), PEERS (all that are installed); and those of bench/servers.sh. The reports drawn go to REPORTS, a folder,
#   when it is given.
set -u
. "$(dirname "$0")/servers.sh"

OUT=${OUT:-$root/docs}
SCAN=${SCAN:-200000:2000000:200000}
TOKENS=${TOKENS:-1000000}
CONNECTIONS=${CONNECTIONS:-50}
DEPTHS=${DEPTHS:-1,16,64}
SCAN_CONNECTIONS=${SCAN_CONNECTIONS:-4}
SCAN_DEPTH=${SCAN_DEPTH:-256}
DURATION=${DURATION:-1}
ROUNDS=${ROUNDS:-5}
REPORTS=${REPORTS:-$work}

command -v gnuplot >/dev/null || die "no gnuplot: apt-get install gnuplot-nox"

draw() {
	name=$1
	shift
	"$BUILD/evauth-bench" plot --out "$OUT/$name.svg" "$@" || die "drawing failed"
	echo "$OUT/$name.svg"
}

measure_latency() {
	: >"$REPORTS/scan.json"
	start_evauthd --workers 1
	import_world "$TOKENS" 1
	for _ in $(seq "$ROUNDS"); do
		taskset -c "$CLIENT_CPU" "$BUILD/evauth-bench" run --server "$evauthd_address" --tokens "$TOKENS" \
			--connections "$SCAN_CONNECTIONS" --depth "$SCAN_DEPTH" --scan "$SCAN" --seconds "$DURATION" \
			--server-pid "$evauthd_pid" --json >>"$REPORTS/scan.json"
		# 1: an overloaded server left requests unanswered; the curve is there.
		[ $? -le 1 ] || die "the scan failed"
	done
	stop_server "$evauthd_pid"
	draw latency "$REPORTS/scan.json" --quantiles p50,p90,p99 \
		--title "Authorize on one worker: latency over the load"
}

measure_peers() {
	"$BUILD/evauth-bench" compare ${PEERS:+--peers "$PEERS"} --tokens "$TOKENS" --connections "$CONNECTIONS" \
		--depths "$DEPTHS" --repeats "$RETRIES_MAX" \
		--seconds "$DURATION" --rounds "$ROUNDS" --server-cpu "$SERVER_CPU" --client-cpu "$CLIENT_CPU" --json \
		>"$REPORTS/compare.json" || die "the comparison failed"
	draw throughput --kind peers "$REPORTS/compare.json" --title "Decisions per second on one core"
	draw ratios --kind ratios "$REPORTS/compare.json"
}

print_machine
for what in ${*:-latency peers}; do
	case $what in
	latency) measure_latency ;;
	peers) measure_peers ;;
	*) die "'$what' is neither latency nor peers" ;;
	esac
done
