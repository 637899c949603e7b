#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Whether searches and listings over a whole world delay queries: p99 of Authorize at a fixed rate, in rounds without
# and with them.
#
#   sh bench/listing-interference.sh
#
#   TOKENS (1000000), RATE (20000 a second), ROUNDS (25), DURATION (1 s a run); and those of bench/servers.sh. Exit code
#   0 when the median p99 with listings is at most TARGET (1.5) times the one without.
#
# The commands that list are scheduled as idle (chrt --idle), so that on a machine with two cores they use what the
# load leaves over: what is measured is the daemon, not who prints JSON beside it.
set -u
. "$(dirname "$0")/servers.sh"

TOKENS=${TOKENS:-1000000}
RATE=${RATE:-20000}
ROUNDS=${ROUNDS:-25}
DURATION=${DURATION:-1}
TARGET=${TARGET:-1.5}
EVAUTHD_CPUS=${EVAUTHD_CPUS:-0-$(($(nproc) - 1))}

# Until the file goes away; counts the commands done in it.
list_forever() {
	while [ -e "$work/listing" ]; do
		chrt --idle 0 "$BUILD/evauth" --server "$evauthd_address" "$@" >/dev/null 2>>"$work/listing.log" &&
			echo "$1 $2" >>"$work/listed"
	done
}

print_machine
start_evauthd --workers 1
import_world "$TOKENS" 1
shape="--server $evauthd_address --tokens $TOKENS --connections 50 --depth 16"
shape="$shape --rate $RATE --spin-us 0 --seconds $DURATION --warmup 1"
echo "$RATE Authorize/s, $TOKENS tokens"
printf '%-8s %16s %16s %8s\n' round 'p99 us alone' 'p99 us, listings' ratio
for round in $(seq "$ROUNDS"); do
	# shellcheck disable=SC2086 # several words on purpose
	alone=$(load_alone --server-pid "$evauthd_pid" $shape) || exit 2
	touch "$work/listing"
	list_forever --json search tokens nothing-has-this-in-its-id &
	first=$!
	list_forever --json search customers Fernandez &
	second=$!
	# shellcheck disable=SC2086
	disturbed=$(load $shape) || exit 2
	rm "$work/listing"
	wait "$first" "$second"
	a=$(value "$alone" p99_us)
	b=$(value "$disturbed" p99_us)
	echo "$a" >>"$work/alone"
	echo "$b" >>"$work/disturbed"
	printf '%-8s %16.1f %16.1f %8.2f\n' "$round" "$a" "$b" "$(calculate %f "$b / $a")"
done
[ -s "$work/listed" ] || die "no listing came to its end: $(tail -3 "$work/listing.log")"
a=$(median <"$work/alone")
b=$(median <"$work/disturbed")
ratio=$(calculate %.2f "$b / $a")
printf '%-8s %16.1f %16.1f %8s\n' median "$a" "$b" "$ratio"
echo "listings that came to their end meanwhile: $(wc -l <"$work/listed"); target: $TARGET"
print_retries
[ "$(calculate %d "$ratio <= $TARGET")" -eq 1 ]
