#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Memory of evauthd (both images) and of redis-server for the same world, side by side.
#
#   sh bench/memory-versus-redis.sh
#
#   TOKENS (1000000), RATIO_TARGET (2.2); and those of bench/servers.sh.
#
# Redis holds what a decision needs and nothing else (no names, no visual numbers), as somebody who decides in Redis
# would keep it: a hash per token, customer, charge point and group with the fields that are set, a string per EVSE, and
# per group one hash from its customers to their tariffs. Keys have prefixes of two bytes. What is compared is RssAnon
# of evauthd after an import and after a restart, and used_memory_rss of redis-server after loading.
set -u
. "$(dirname "$0")/servers.sh"

TOKENS=${TOKENS:-1000000}
RATIO_TARGET=${RATIO_TARGET:-2.2}

anonymous_bytes() { awk '/^RssAnon:/ { printf "%.0f\n", $2 * 1024 }' "/proc/$1/status"; }
redis_info() { redis-cli -p "$redis_port" info memory | tr -d '\r' | sed -n "s/^$1://p"; }

# Import lines on stdin, Redis's protocol on stdout.
to_redis() {
	python3 -c '
import json, sys
out = sys.stdout.buffer
def command(*words):
    words = [word.encode() for word in words]
    out.write(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
def fields(source, names):
    return [text for name in names if source.get(name)
            for text in (name, "1" if source[name] is True else str(source[name]))]
for line in sys.stdin:
    (kind, change), = json.loads(line).items()
    if kind == "put_token":
        issuer = "".join(change.get("issuer", {}).values())
        owner = ["issuer", issuer] if issuer else ["customer", change["customer_id"]]
        command("HSET", "t:" + issuer + change["uid"], *owner, *fields(change, (
            "type", "contract_id", "parent_id", "blocked", "valid_from", "valid_until", "whitelist",
            "roaming_allowed")))
    elif kind == "put_customer":
        command("HSET", "c:" + change["id"], "payment", change.get("payment", "CONTRACT"),
                *fields(change, ("user_group", "blocked", "no_credit")))
    elif kind == "put_charge_point":
        command("HSET", "p:" + change["id"], "location", change.get("location_id", ""),
                *fields(change, ("home_charger",)))
        for evse in change.get("evses", []):
            command("SET", "e:" + evse["evse_id"], change["id"])
    elif kind == "put_charge_group":
        command("HSET", "g:" + change["id"], *fields(change, (
            "type", "tariff_id", "prepaid_tariff_id", "open_to_all_customers", "open_to_roaming", "user_group")))
    elif kind == "attach_charge_points":
        for point in change["charge_point_ids"]:
            command("HSET", "p:" + point, "group", change["charge_group_id"])
    elif kind == "attach_customers":
        pairs = [text for id in change["customer_ids"] for text in (id, change.get("tariff_id", ""))]
        command("HSET", "m:" + change["charge_group_id"], *pairs)
'
}

print_machine
EVAUTHD_CPUS=${EVAUTHD_CPUS:-0-$(($(nproc) - 1))}
start_evauthd
import_world "$TOKENS" 1
sleep 3 # memory is given back after a second of idleness
imported=$(anonymous_bytes "$evauthd_pid")
stop_server "$evauthd_pid"
start_evauthd
until [ "$(anonymous_bytes "$evauthd_pid")" = "${started:-}" ]; do # the second image is being filled
	started=$(anonymous_bytes "$evauthd_pid")
	sleep 2
done
stop_server "$evauthd_pid"

redis_port=$(free_port)
mkdir "$work/redis"
redis-server --port "$redis_port" --bind 127.0.0.1 --save '' --appendonly no --dir "$work/redis" --daemonize no \
	>"$work/redis.log" 2>&1 &
server_pids="$server_pids $!"
wait_for 10 redis-cli -p "$redis_port" ping
to_redis <"$work/world.jsonl" | redis-cli -p "$redis_port" --pipe >"$work/pipe.txt" || die "$(cat "$work/pipe.txt")"
grep -q 'errors: 0' "$work/pipe.txt" || die "$(cat "$work/pipe.txt")"
redis=$(redis_info used_memory_rss)

echo "evauthd:   $((imported / TOKENS)) bytes a token after the import, $((started / TOKENS)) after a restart"
echo "redis:     $((redis / TOKENS)) bytes a token of used_memory_rss, $(($(redis_info used_memory) / TOKENS)) of" \
	"used_memory, $(redis-cli -p "$redis_port" dbsize) keys"
ratio=$(calculate %.2f "$imported / $redis")
echo "ratio:     $ratio after the import, $(calculate %.2f "$started / $redis") after a restart (target $RATIO_TARGET)"
[ "$(calculate %d "$ratio * 100")" -le "$(calculate %d "$RATIO_TARGET * 100")" ]
