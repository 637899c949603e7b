#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the image of deploy/container/Dockerfile with buildah, on a Debian made by mmdebstrap instead of one from a
# registry, and tries it: the daemon is started in it and asked.
#   sh deploy/package.sh && sh deploy/image.sh [NAME]      NAME: localhost/evauthd unless given
# Needs root and a Debian mirror as apt has it.
set -eu
cd "$(dirname "$0")/.."
name=${1-localhost/evauthd}
sh deploy/install-packages.sh package
set -- build/packages/evauthd_*.deb
[ -e "$1" ] || {
	echo "there are no packages in build/packages: sh deploy/package.sh" >&2
	exit 1
}
# Storage and isolation that need nothing of the kernel: they work in containers as well.
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs

work=$(mktemp -d)
container=
finish() {
	[ -z "$container" ] || buildah rm "$container" >/dev/null
	rm -rf "$work"
}
trap finish EXIT

echo "==> a base"
mmdebstrap --quiet --variant=minbase bookworm "$work/base.tar"
printf 'FROM scratch\nADD base.tar /\n' >"$work/Dockerfile"
buildah bud --quiet --tag localhost/evauthd-base "$work" >/dev/null

echo "==> the image"
buildah bud --quiet --format docker --build-arg BASE=localhost/evauthd-base --file deploy/container/Dockerfile \
	--tag "$name" . >/dev/null

echo "==> a try"
container=$(buildah from --pull-never "$name")
# shellcheck disable=SC2016  # expanded inside
buildah run "$container" -- sh -eu -c '
	[ "$(id -un)" = evauthd ]
	bash -c "grep --version" >/dev/null # for the health check of docker-compose.yml
	evauthd --store /var/lib/evauthd --map-size 1GiB --unix /run/evauthd/socket --listen 127.0.0.1:0 \
		--port-file /run/evauthd/port &
	daemon=$!
	tries=0
	until [ -e /run/evauthd/port ]; do
		tries=$((tries + 1))
		[ "$tries" -lt 300 ]
		sleep 0.1
	done
	evauth --server unix:/run/evauthd/socket --timeout 2000 status
	kill "$daemon"
	wait "$daemon"'
buildah images "$name"
