#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# systemd-analyze finds nothing wrong with the units, but does find a misspelt line.
#   sh tests/tools/verify_units.sh FOLDER-OF-UNITS PROGRAM
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Without --recursive-errors a line that systemd does not know counts as right.
verify() {
	systemd-analyze verify --man=no --recursive-errors=yes "$folder/evauthd.service" "$folder/evauthd.socket"
}

cp "$1/evauthd.socket" "$folder/"
sed "s|^ExecStart=/usr/bin/evauthd|ExecStart=$2|" "$1/evauthd.service" >"$folder/evauthd.service"
verify
# The lines that are proposed in comments are right as well.
sed -i 's/^# \(LoadCredential=\|ListenStream=\)/\1/' "$folder/evauthd.service" "$folder/evauthd.socket"
[ "$(grep -c '^LoadCredential=' "$folder/evauthd.service")" -eq 3 ]
[ "$(grep -c '^ListenStream=' "$folder/evauthd.socket")" -eq 3 ]
verify
for unit in evauthd.service evauthd.socket; do
	cp "$folder/$unit" "$folder/kept"
	sed -i 's/^\(RuntimeDirectoryMode\|SocketMode\)=/\1s=/' "$folder/$unit"
	if verify 2>/dev/null; then
		echo "a misspelt line of $unit was not found" >&2
		exit 1
	fi
	cp "$folder/kept" "$folder/$unit"
done
