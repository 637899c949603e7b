#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# evauthd in two minutes: installs what a build needs, builds a release, starts the daemon on a temporary store with a
# demo network, walks through an operator's day with evauth, asks questions with every kind of answer, restarts the
# daemon to show that everything is still there, and stops. Nothing is left but build/release.
#   sh deploy/quickstart.sh            all of it
#   sh deploy/quickstart.sh --serve    the same, then keeps serving until Ctrl-C
set -eu
cd "$(dirname "$0")/.."

serve=
case ${1-} in
"") ;;
--serve) serve=yes ;;
*)
	sed -n '3,7s/^# \{0,1\}//p' "$0"
	exit 2
	;;
esac

say() {
	printf '\n\033[1m==> %s\033[0m\n' "$*"
}

# Shows a command, runs it, and ends the walk if its exit code is not the one announced.
expect() {
	wanted=$1
	shift
	printf '\n$'
	for word in "$@"; do
		case $word in
		*[!A-Za-z0-9_.:/=-]* | "") printf " '%s'" "$word" ;;
		*) printf ' %s' "$word" ;;
		esac
	done
	printf '\n'
	code=0
	"$@" || code=$?
	if [ "$code" -ne "$wanted" ]; then
		echo "quickstart: that command ended with $code instead of $wanted" >&2
		exit 1
	fi
}

evauth() {
	"$bin/evauth" "$@"
}

# ---- the daemon: started here, stopped by its pid whatever happens

pid=
work=$(mktemp -d)
bin=${EVAUTH_BIN_DIR:-$PWD/build/release/bin} # the tests have built it already

start_daemon() {
	rm -f "$work/port"
	"$bin/evauthd" --store "$work/store" --listen 127.0.0.1:0 --port-file "$work/port" 2>>"$work/log" &
	pid=$!
	tries=0
	until EVAUTH_SERVER=$(sed -n 's/^listen //p' "$work/port" 2>/dev/null) && [ -n "$EVAUTH_SERVER" ]; do
		tries=$((tries + 1))
		if [ "$tries" -gt 300 ] || ! kill -0 "$pid" 2>/dev/null; then
			cat "$work/log" >&2
			exit 1
		fi
		sleep 0.1
	done
	export EVAUTH_SERVER
}

stop_daemon() {
	[ -n "$pid" ] || return 0
	kill -TERM "$pid" 2>/dev/null || true
	wait "$pid" || true
	pid=
}

clean_up() {
	stop_daemon
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# ---- build

if [ -z "${EVAUTH_BIN_DIR-}" ]; then
	say "packages"
	sh deploy/install-packages.sh build
	say "release build in build/release"
	{ cmake --preset release && cmake --build --preset release; } >"$work/build.log" 2>&1 || {
		cat "$work/build.log"
		exit 1
	}
fi

say "evauthd on a temporary store, with the demo network of deploy/demo/network.jsonl"
start_daemon
echo "serving on $EVAUTH_SERVER"
expect 0 evauth import deploy/demo/network.jsonl
expect 0 evauth status

# ---- an operator's day

say "A new site: a tariff and a private charge group"
expect 0 evauth tariff put deploy/demo/tariff-lab.json
expect 0 evauth group create lab --name "Lab Noord" --type other --tariff t-lab --info "Contract 2026-044"
say "Its charge points: which ones are free?"
expect 0 evauth search charge-points AMS --unattached
expect 0 evauth group attach-points lab AMS-N01 AMS-N02
say "Who may charge there: two colleagues, one of them at the staff tariff"
expect 0 evauth search customers jans
expect 0 evauth group attach-customers lab cust-17 cust-18
expect 0 evauth group set-tariff lab cust-17 --tariff t-staff
expect 0 evauth group set lab --name "Lab Amsterdam-Noord"
expect 0 evauth group show lab
say "What they see and pay"
expect 0 evauth authorize 04A1B2C3D4E5F6 AMS-N01
expect 0 evauth tariff show --point AMS-N01 --token 04A1B2C3D4E5F6
expect 0 evauth visible cust-17
expect 0 evauth permitted AMS-N01

# ---- every kind of answer

card_of() {
	sed -n "s/.*\"uid\":\"\([^\"]*\)\",\"type\":\"RFID\",\"customer_id\":\"cust-$1\".*/\1/p" deploy/demo/network.jsonl
}
foreign_card() { # WHITELIST PARTY
	sed -n "/\"party_id\":\"$2\".*\"whitelist\":\"$1\"/s/.*\"uid\":\"\([^\"]*\)\".*/\1/p" deploy/demo/network.jsonl |
		head -n 1
}

say "Allowed (exit code 0): a member, a staff member, any customer, a roaming card, somebody who pays at the charger"
expect 0 evauth authorize "$(card_of 20)" AMS-Z01
expect 0 evauth authorize "$(card_of 3)" AMS-Z01
expect 0 evauth authorize "$(card_of 120)" AMS-S01
expect 0 evauth authorize "$(foreign_card ALWAYS 8AA)" AMS-O01
expect 0 evauth authorize "" AMS-O01 --type ad_hoc_user
say "Ask the issuer (exit code 3): a card whose eMSP decides, and a card nobody here knows"
expect 3 evauth authorize "$(foreign_card ALLOWED_OFFLINE BEC)" AMS-O01
expect 3 evauth authorize "$(foreign_card NEVER 8AA)" AMS-O01
expect 3 evauth authorize 04FFFFFFFFFFFF AMS-O01
say "Denied (exit code 1): unknown, not attached, roaming off, blocked, expired, too early, no credit, no consent ..."
expect 1 evauth authorize 04FFFFFFFFFFFF AMS-Z01
expect 1 evauth authorize "$(card_of 120)" AMS-Z01
expect 1 evauth authorize "$(foreign_card ALWAYS 8AA)" AMS-Z01
expect 1 evauth authorize "$(card_of 23)" AMS-Z01
expect 1 evauth authorize "$(card_of 29)" AMS-Z01
expect 1 evauth authorize "$(card_of 31)" AMS-Z01
expect 1 evauth authorize "$(card_of 99)" AMS-Z01
expect 1 evauth authorize "$(card_of 65)" AMS-Z01
expect 1 evauth authorize "$(card_of 183)" AMS-O01
expect 1 evauth authorize "$(card_of 20)" AMS-N03
expect 1 evauth authorize "$(card_of 20)" NOWHERE
say "And why? For instance:"
expect 1 evauth authorize "$(card_of 120)" AMS-Z01 --explain

# ---- it is all still there

say "Stopping and starting again: everything is still there"
evauth export >"$work/before.jsonl"
stop_daemon
start_daemon
evauth export >"$work/after.jsonl"
cmp "$work/before.jsonl" "$work/after.jsonl"
expect 0 evauth authorize 04A1B2C3D4E5F6 AMS-N01

if [ -z "$serve" ]; then
	say "Done. sh deploy/quickstart.sh --serve keeps it running; README.md goes on from here."
	exit 0
fi
say "Serving on $EVAUTH_SERVER until Ctrl-C (pid $pid). From another terminal, in this folder:"
cat <<TEXT

    export EVAUTH_SERVER=$EVAUTH_SERVER PATH=\$PATH:$bin
    evauth group show office
    evauth authorize 04A1B2C3D4E5F6 AMS-Z01 --explain
    node clients/node/evauth-client.js 04A1B2C3D4E5F6 AMS-Z01

The protocol is described in proto/PROTOCOL.md.
TEXT
wait "$pid"
