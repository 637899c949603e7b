#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Authorize against plain GET of redis-server: the same client loop, the same machine, in turn. Every Authorize answer
# is checked whole against the generated world; of Redis's only the length is looked at.
#
#   sh bench/compare-get.sh
#
#   TOKENS (1000000), VALUE_SIZE (150), CONNECTIONS (50), DEPTH (16), ROUNDS (5), DURATION (5 s a run); and those of
#   bench/servers.sh. Exit code 0 when the ratio of the medians reaches TARGET (1.4).
set -u
. "$(dirname "$0")/servers.sh"

TOKENS=${TOKENS:-1000000}
VALUE_SIZE=${VALUE_SIZE:-150}
CONNECTIONS=${CONNECTIONS:-50}
DEPTH=${DEPTH:-16}
ROUNDS=${ROUNDS:-5}
DURATION=${DURATION:-5}
TARGET=${TARGET:-1.4}

print_machine
start_evauthd --workers 1
import_world "$TOKENS" 1
start_redis "$TOKENS" "$VALUE_SIZE"
echo "redis-server $(redis-server --version | sed 's/.* v=\([0-9.]*\).*/\1/'), $("$BUILD/evauthd" --version)"
echo "$CONNECTIONS connections, depth $DEPTH, $TOKENS tokens, servers on core $SERVER_CPU, client on core $CLIENT_CPU"
printf '%-8s %12s %12s %7s %10s %10s %9s %9s %8s %8s\n' round 'Authorize/s' 'GET/s' ratio 'p99 us' 'GET p99' \
	'cpu us' 'GET cpu' 'client' 'GET'

# Microseconds of the server's CPU per request, and the client's share of a core in percent.
cpu_us() { calculate %.3f "1e6 * $(value "$1" server_cpu_s) / $(value "$1" requests)"; }
client_share() { calculate %f "100 * $(value "$1" client_cpu_s) / $(value "$1" seconds)"; }

shape="--tokens $TOKENS --connections $CONNECTIONS --depth $DEPTH --seconds $DURATION --warmup 1"
for round in $(seq "$ROUNDS"); do
	# shellcheck disable=SC2086 # several words on purpose
	ours=$(load_alone --server "$evauthd_address" --server-pid "$evauthd_pid" $shape) || exit 2
	# shellcheck disable=SC2086
	theirs=$(load_alone --resp "$redis_address" --server-pid "$redis_pid" --value-size "$VALUE_SIZE" $shape) || exit 2
	a=$(value "$ours" per_second)
	b=$(value "$theirs" per_second)
	echo "$a" >>"$work/ours"
	echo "$b" >>"$work/theirs"
	cpu_a=$(cpu_us "$ours")
	cpu_b=$(cpu_us "$theirs")
	echo "$cpu_a" >>"$work/ours-cpu"
	echo "$cpu_b" >>"$work/theirs-cpu"
	printf '%-8s %12.0f %12.0f %7.2f %10.1f %10.1f %9.3f %9.3f %7.0f%% %7.0f%%\n' "$round" "$a" "$b" \
		"$(calculate %f "$a / $b")" "$(value "$ours" p99_us)" "$(value "$theirs" p99_us)" "$cpu_a" "$cpu_b" \
		"$(client_share "$ours")" "$(client_share "$theirs")"
done
a=$(median <"$work/ours")
b=$(median <"$work/theirs")
ratio=$(calculate %.2f "$a / $b")
cpu_a=$(median <"$work/ours-cpu")
cpu_b=$(median <"$work/theirs-cpu")
printf '%-8s %12.0f %12.0f %7s %31.3f %9.3f\n' median "$a" "$b" "$ratio" "$cpu_a" "$cpu_b"
echo "server CPU per request, GET over Authorize: $(calculate %.2f "$cpu_b / $cpu_a")"
print_retries
echo "target: $TARGET"
[ "$(calculate %d "$ratio >= $TARGET")" -eq 1 ]
