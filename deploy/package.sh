#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the Debian packages evauthd, evauth-tools and libevauth-dev from this source, lets lintian look at them, checks
# that the programs are hardened and the lists of what they are made of whole, and leaves them in build/packages.
#   sh deploy/package.sh           once
#   sh deploy/package.sh --twice   two builds, in folders, time zones and with umasks of their own, must be the same
# Packages it needs: sh deploy/install-packages.sh build package
set -eu
cd "$(dirname "$0")/.."
source=$PWD
version=$(sed -nE '1s/.*\(([^-)]+).*/\1/p' deploy/debian/changelog)
grep -q "VERSION $version " CMakeLists.txt || {
	echo "deploy/debian/changelog and CMakeLists.txt name different versions" >&2
	exit 1
}
sh deploy/install-packages.sh build package

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What is tracked, as it is now; without git (a source archive) all but what was built.
copy_source() {
	if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
		git ls-files -z | tar --null -T - -c
	else
		tar -c --exclude=./build .
	fi | tar -x -C "$1"
	cp -R deploy/debian "$1/debian"
	chmod -R u=rwX,go=rX "$1"
}

build() { # FOLDER
	mkdir -p "$1/evauthd-$version"
	copy_source "$1/evauthd-$version"
	cd "$1/evauthd-$version"
	dpkg-buildpackage --no-sign --build=binary >"$1/log" 2>&1 || { tail -n 60 "$1/log"; exit 1; }
	cd "$source"
}

echo "==> building the packages of $version"
build "$work/one"
if [ "${1-}" = --twice ]; then
	echo "==> and once more, elsewhere"
	(umask 002 && TZ=Pacific/Auckland LC_ALL=C.UTF-8 && export TZ LC_ALL && build "$work/another/place")
	for package in "$work"/one/*.deb; do
		cmp "$package" "$work/another/place/$(basename "$package")"
	done
	echo "both builds are the same, byte for byte"
fi

echo "==> lintian"
# changelog: there is no bug in Debian's tracker to close.
lintian --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs "$work"/one/*.changes

echo "==> hardening"
mkdir "$work/tree"
for package in "$work"/one/evauthd_*.deb "$work"/one/evauth-tools_*.deb; do
	dpkg-deb -x "$package" "$work/tree"
done
/usr/bin/python3 tests/tools/check_hardening.py "$work"/tree/usr/bin/*

echo "==> what they are made of"
for package in evauthd evauth-tools; do
	mkdir "$work/$package"
	dpkg-deb -x "$work/one/$package"_[0-9]*.deb "$work/$package"
	/usr/bin/python3 tests/tools/check_sbom.py "$work/$package/usr/share/doc/$package/sbom.spdx.json" \
		"$work/$package"/usr/bin/*
done

mkdir -p build/packages
rm -f build/packages/*.deb
cp "$work"/one/*.deb build/packages/
ls -l build/packages
