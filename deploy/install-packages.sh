#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages of deploy/packages.txt that are missing; says which, and does nothing when all are there.
#   sh deploy/install-packages.sh build        what a build needs
#   sh deploy/install-packages.sh build test   and what the tests need as well
set -eu
list="$(dirname "$0")/packages.txt"

# The packages of the sections named: a section starts with a line "# name" of one word.
packages() {
	awk -v wanted=" $* " '/^# [a-z]+$/ { on = index(wanted, " " $2 " ") > 0; next } on && !/^#/ && NF { print $1 }' "$list"
}

missing() {
	for package in $(packages "$@"); do
		dpkg-query -W -f='${Status}\n' "$package" 2>/dev/null | grep -q ' installed$' || printf '%s ' "$package"
	done
}

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
	echo "No apt-get here: install what deploy/packages.txt lists by hand." >&2
	exit 0
fi
needed=$(missing "$@")
[ -n "$needed" ] || exit 0

echo "Installing: $needed"
if [ "$(id -u)" -eq 0 ]; then
	root=
elif command -v sudo >/dev/null; then
	root=sudo
else
	echo "Please install them as root: apt-get install $needed" >&2
	exit 1
fi
$root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
# A later Debian may have dropped one of them (clang-format-14); the build says so if it was needed.
available=
for package in $needed; do
	if apt-cache show "$package" >/dev/null 2>&1; then
		available="$available $package"
	else
		echo "This release has no package $package; going on without it."
	fi
done
# shellcheck disable=SC2086  # a list of words
$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $available >/dev/null
