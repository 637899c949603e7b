#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the packages of build/packages (deploy/package.sh) in a fresh Debian, and does with them what an operator
# does: starts the daemon as its user, asks it, upgrades, asks again, links a program with libevauth, removes, purges.
# Needs root, a Debian mirror as apt has it, and some minutes: not part of tests/run.sh.
#   sh deploy/test-package.sh                  Debian 12, with the packages that are there
#   sh deploy/test-package.sh --build trixie   builds them from this source inside that Debian first
#   sh deploy/test-package.sh --from FOLDER    Debian 12, begins with the older packages of FOLDER, upgrades to those of
#                                              build/packages, tries to go back, and upgrades again
set -eu
cd "$(dirname "$0")/.."
sh deploy/install-packages.sh package
packages=build/packages
suite=bookworm
older=
case ${1-} in
--build) suite=$2 ;;
--from) older=$2 ;;
esac

work=$(mktemp -d)
tree=$work/tree
daemon=
finish() {
	[ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
	rm -rf "$work"
}
trap finish EXIT

say() {
	printf '==> %s\n' "$*"
}

inside() {
	chroot "$tree" env PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

fail() {
	echo "test-package: $*" >&2
	[ ! -e "$tree/tmp/log" ] || tail -n 40 "$tree/tmp/log" >&2
	exit 1
}

# systemd is not running there: what it would do with the unit is done by hand. False: it ended instead.
try_to_start() {
	inside install -d -o evauthd -g evauthd -m 0700 /var/lib/evauthd
	inside install -d -o evauthd -g evauthd -m 0755 /run/evauthd
	# exec: $! is the daemon itself
	(exec chroot --userspec=evauthd:evauthd "$tree" /usr/bin/evauthd --config /etc/evauthd/evauthd.conf \
		--listen 127.0.0.1:0 --map-size 1GiB --port-file /run/evauthd/port >>"$tree/tmp/log" 2>&1) &
	daemon=$!
	tries=0
	until [ -e "$tree/run/evauthd/port" ]; do
		if ! kill -0 "$daemon" 2>/dev/null; then
			daemon=
			return 1
		fi
		tries=$((tries + 1))
		[ "$tries" -lt 300 ] || fail "the daemon was not ready in 30 s"
		sleep 0.1
	done
}

start() {
	try_to_start || fail "the daemon did not start"
}

stop() {
	kill "$daemon"
	wait "$daemon" || fail "the daemon ended with $?"
	daemon=
	rm -f "$tree/run/evauthd/port"
}

evauth() {
	inside evauth --server unix:/run/evauthd/socket "$@"
}

say "a fresh $suite"
if [ "${1-}" = --build ]; then
	mmdebstrap --quiet --variant=buildd "$suite" "$tree"
else
	mmdebstrap --quiet --variant=minbase "$suite" "$tree"
fi

if [ "${1-}" = --build ]; then
	say "building there"
	mkdir -p "$tree/build/evauthd"
	git ls-files -z | tar --null -T - -c | tar -x -C "$tree/build/evauthd"
	cp -R deploy/debian "$tree/build/evauthd/debian"
	inside apt-get update -qq
	inside sh -c 'cd /build/evauthd && apt-get build-dep -qq -y ./ && dpkg-buildpackage --no-sign --build=binary' \
		>"$tree/tmp/log" 2>&1 || fail "the build failed"
	packages=$work/packages
	mkdir "$packages"
	mv "$tree"/build/*.deb "$packages/"
	rm "$tree/tmp/log"
fi
# FROM FOLDER-INSIDE
give() {
	mkdir -p "$tree$2"
	for name in evauthd evauth-tools libevauth-dev; do
		cp "$1/$name"_[0-9]*.deb "$tree$2/$name.deb"
	done
}

# FOLDER-INSIDE [OPTION...]: all that is there
install() {
	from=$1
	shift
	# shellcheck disable=SC2016  # expanded inside
	inside sh -c 'from=$1 && shift && apt-get install -qq -y --no-install-recommends "$@" "$from"/*.deb' sh "$from" "$@" \
		>"$tree/tmp/apt" 2>&1 || { cat "$tree/tmp/apt"; fail "$from cannot be installed"; }
}

# What the packages under test bring.
look_at_files() {
	inside getent passwd evauthd >/dev/null || fail "there is no user evauthd"
	for unit in multi-user.target.wants/evauthd.service sockets.target.wants/evauthd.socket; do
		[ -L "$tree/etc/systemd/system/$unit" ] || fail "$unit is not enabled"
	done
	if grep -q "_dh_action=restart" "$tree/var/lib/dpkg/info/evauthd.postinst"; then
		! grep -A4 "_dh_action=restart" "$tree/var/lib/dpkg/info/evauthd.postinst" | grep -q "evauthd.socket" ||
			fail "an upgrade would close the socket"
	else
		fail "an upgrade would not restart the daemon"
	fi
	inside sh -c 'test -s /usr/share/man/man8/evauthd.8.gz && test -s /usr/share/man/man5/evauthd.conf.5.gz &&
		test -s /usr/share/man/man1/evauth.1.gz && test -s /usr/share/man/man1/evauth-bench.1.gz &&
		test -s /usr/share/bash-completion/completions/evauth' || fail "a manual page or the completion is missing"
	for name in evauthd evauth-tools; do
		grep -q '"spdxVersion": "SPDX-' "$tree/usr/share/doc/$name/sbom.spdx.json" || fail "$name has no SBOM"
	done
}

give "$packages" /packages
say "install"
inside apt-get update -qq
if [ -n "$older" ]; then
	give "$older" /older
	install /older
else
	install /packages
	look_at_files
fi

say "start as its user, and ask"
start
[ "$(ps -o user= -p "$daemon" | tr -d ' ')" != root ] || fail "the daemon runs as root"
cat deploy/demo/network.jsonl >"$tree/tmp/network.jsonl"
evauth import --quiet /tmp/network.jsonl
before=$(evauth export | cksum)
evauth status >/dev/null
stop

say "upgrade"
echo "# a line of the operator's" >>"$tree/etc/evauthd/evauthd.conf"
if [ -z "$older" ]; then
	inside sh -c 'mkdir /newer && dpkg-deb -R /packages/evauthd.deb /newer/new &&
		sed -i "s/^Version: .*/&+1/" /newer/new/DEBIAN/control && dpkg-deb -b /newer/new /newer/evauthd.deb &&
		rm -r /newer/new' >/dev/null
	install /newer
	inside dpkg-query -W evauthd | grep -q '+1$' || fail "the new version is not there"
else
	# The configuration that was changed stays, as an operator would have it.
	install /packages -o Dpkg::Options::=--force-confold
	inside dpkg-query -W evauthd
fi
grep -q "a line of the operator's" "$tree/etc/evauthd/evauthd.conf" || fail "the configuration was overwritten"
look_at_files
start
[ "$(evauth export | cksum)" = "$before" ] || fail "not everything survived the upgrade"
evauth check >"$tree/tmp/check" || fail "the store is not sound after the upgrade"
stop

# Over a change of the store's format the older program refuses, and leaves the store as it is.
if [ -n "$older" ]; then
	say "downgrade"
	install /older --allow-downgrades -o Dpkg::Options::=--force-confold
	inside dpkg-query -W evauthd
	if try_to_start; then
		echo "the same format: the older one goes on"
		[ "$(evauth export | cksum)" = "$before" ] || fail "not everything survived the downgrade"
		stop
	else
		tail -n 1 "$tree/tmp/log"
		tail -n 1 "$tree/tmp/log" | grep -q "was written by a newer evauthd" || fail "it does not say why"
	fi
	say "upgrade again"
	install /packages -o Dpkg::Options::=--force-confold
	start
	[ "$(evauth export | cksum)" = "$before" ] || fail "the downgrade has changed the store"
	stop
fi

say "link with libevauth"
inside apt-get install -qq -y --no-install-recommends gcc libc6-dev pkg-config >"$tree/tmp/apt" 2>&1
cat >"$tree/tmp/program.c" <<'END'
#include <client/evauth.h>

int main(void)
{
	struct fault fault = {0};
	struct evauth_client *client;
	struct arena arena;
	struct status_response *status;
	arena_init(&arena, 4096, EVAUTH_ARENA_BUDGET);
	if (evauth_client_create(&(struct evauth_options){.server = "unix:/run/evauthd/socket"}, &client, &fault) < 0)
		return 1;
	return evauth_status(client, &arena, &status) < 0 ? 2 : 0;
}
END
# shellcheck disable=SC2016  # expanded inside
inside sh -c 'cc -Wall -Werror -D_GNU_SOURCE -o /tmp/program /tmp/program.c $(pkg-config --cflags --libs evauth)'
start
inside /tmp/program || fail "the program linked with libevauth ended with $?"
stop

say "remove and purge"
inside apt-get purge -qq -y evauthd evauth-tools libevauth-dev >"$tree/tmp/apt" 2>&1 ||
	{ cat "$tree/tmp/apt"; fail "no purge"; }
left=$(cd "$tree" && find etc usr var run -name '*evauth*' ! -path 'var/lib/dpkg/*' \
	! -path 'var/log/*' ! -path 'var/cache/*')
[ -z "$left" ] || fail "left behind: $left"

say "all is well on $suite"
