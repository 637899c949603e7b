#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the packages of build/packages (deploy/package.sh) in a fresh Debian, and does with them what an operator
# does: starts the daemon as its user, asks it, upgrades, asks again, links a program with libevauth, removes, purges.
# Needs root, a Debian mirror as apt has it, and some minutes: not part of tests/run.sh.
#   sh deploy/test-package.sh             Debian 12, with the packages that are there
#   sh deploy/test-package.sh --build trixie   builds them from this source inside that Debian first
set -eu
cd "$(dirname "$0")/.."
sh deploy/install-packages.sh package
packages=build/packages
suite=bookworm
if [ "${1-}" = --build ]; then
	suite=$2
fi

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

# systemd is not running there: what it would do with the unit is done by hand.
start() {
	inside install -d -o evauthd -g evauthd -m 0700 /var/lib/evauthd
	inside install -d -o evauthd -g evauthd -m 0755 /run/evauthd
	# exec: $! is the daemon itself
	(exec chroot --userspec=evauthd:evauthd "$tree" /usr/bin/evauthd --config /etc/evauthd/evauthd.conf \
		--listen 127.0.0.1:0 --map-size 1GiB --port-file /run/evauthd/port >>"$tree/tmp/log" 2>&1) &
	daemon=$!
	tries=0
	until [ -e "$tree/run/evauthd/port" ]; do
		kill -0 "$daemon" 2>/dev/null || fail "the daemon did not start"
		tries=$((tries + 1))
		[ "$tries" -lt 300 ] || fail "the daemon was not ready in 30 s"
		sleep 0.1
	done
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
mkdir "$tree/packages"
for name in evauthd evauth-tools libevauth-dev; do
	cp "$packages/$name"_[0-9]*.deb "$tree/packages/$name.deb"
done

say "install"
inside apt-get update -qq
inside sh -c 'apt-get install -qq -y --no-install-recommends /packages/*.deb' >"$tree/tmp/apt" 2>&1 ||
	{ cat "$tree/tmp/apt"; fail "cannot be installed"; }
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

say "start as its user, and ask"
start
[ "$(ps -o user= -p "$daemon" | tr -d ' ')" != root ] || fail "the daemon runs as root"
cat deploy/demo/network.jsonl >"$tree/tmp/network.jsonl"
evauth import --quiet /tmp/network.jsonl
before=$(evauth export | cksum)
evauth status >/dev/null
stop

say "upgrade"
inside sh -c 'dpkg-deb -R /packages/evauthd.deb /packages/new &&
	sed -i "s/^Version: .*/&+1/" /packages/new/DEBIAN/control && dpkg-deb -b /packages/new /packages/new.deb' >/dev/null
echo "# a line of the operator's" >>"$tree/etc/evauthd/evauthd.conf"
inside apt-get install -qq -y /packages/new.deb >"$tree/tmp/apt" 2>&1 || { cat "$tree/tmp/apt"; fail "no upgrade"; }
inside dpkg-query -W evauthd | grep -q '+1$' || fail "the new version is not there"
grep -q "a line of the operator's" "$tree/etc/evauthd/evauthd.conf" || fail "the configuration was overwritten"
start
[ "$(evauth export | cksum)" = "$before" ] || fail "not everything survived the upgrade"
stop

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
