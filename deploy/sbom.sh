#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Writes what the programs of a package are made of, as SPDX 2.3 JSON, to standard output: the Debian packages of all
# shared libraries they load, and of headers whose code is in them, in the versions that are installed here. The same
# packages give the same bytes. Source of others is not in the tree.
#   SOURCE_DATE_EPOCH=SECONDS sh deploy/sbom.sh NAME VERSION PROGRAM... [--headers PACKAGE...]
set -eu
LC_ALL=C
export LC_ALL

fail() {
	echo "sbom: $*" >&2
	exit 1
}

[ $# -ge 3 ] || fail "usage: SOURCE_DATE_EPOCH=SECONDS sh sbom.sh NAME VERSION PROGRAM... [--headers PACKAGE...]"
name=$1
version=$2
shift 2
architecture=$(dpkg --print-architecture)
distribution=$(sed -n 's/^ID=//p' /etc/os-release)
release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
created=$(date -u -d "@${SOURCE_DATE_EPOCH:?says when, in seconds since 1970}" +%Y-%m-%dT%H:%M:%SZ)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Of each file whose names come in: those dpkg may know it by, in /lib or in /usr/lib. One question for all is much
# faster than one for each.
names_of() {
	while read -r library; do
		real=$(realpath "$library")
		printf '%s\n' "$library" "$real" "/usr$library" "${real#/usr}"
	done
}

# The package that a library came with.
owner() {
	found=$(echo "$1" | names_of | grep -xFf - "$work/known" | head -n 1)
	[ -n "$found" ] || fail "$1 belongs to no package"
	awk -v path="$found" '$2 == path { print $1; exit }' "$work/owners"
}

# Lines PROGRAM PACKAGE RELATION: linked with, or loaded because of one that it is linked with.
look_at_program() {
	program=$(basename "$1")
	readelf -d "$1" >"$work/dynamic" || fail "$1 is not a program"
	sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p' "$work/dynamic" >"$work/needed"
	ldd "$1" >"$work/ldd" || fail "the libraries of $1 cannot be told"
	! grep -q 'not found' "$work/ldd" || fail "$1 lacks a library: $(grep 'not found' "$work/ldd")"
	awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\// { print $1 }' "$work/ldd" >"$work/loaded"
	names_of <"$work/loaded" >"$work/names"
	# It fails for the names that it does not know. Lines PACKAGE[:ARCHITECTURE][, PACKAGE...]: PATH
	xargs dpkg-query -S <"$work/names" 2>/dev/null | sed -n '/^diversion /!s/^\([^:,]*\).*: /\1 /p' >"$work/owners" || true
	cut -d ' ' -f 2 "$work/owners" >"$work/known"
	while read -r library; do
		package=$(owner "$library")
		relation=DEPENDS_ON
		! grep -qxF "$(basename "$library")" "$work/needed" || relation=DYNAMIC_LINK
		echo "$program $package $relation" >>"$work/found"
	done <"$work/loaded"
	programs="$programs $program"
}

programs=
is_header=
for word; do
	if [ "$word" = --headers ]; then
		is_header=yes
	elif [ -n "$is_header" ]; then
		for program in $programs; do
			echo "$program $word STATIC_LINK" >>"$work/found"
		done
	else
		look_at_program "$word"
	fi
done

# A package of two libraries is linked with if one of them is.
sort -u "$work/found" | awk '{ key = $1 " " $2 } !(key in is) || $3 == "DYNAMIC_LINK" { is[key] = $3 }
	END { for (key in is) print key, is[key] }' | sort >"$work/relations"
# Lines PACKAGE VERSION ARCHITECTURE SOURCE SOURCE-VERSION
cut -d ' ' -f 2 "$work/relations" | sort -u >"$work/names"
while read -r package; do
	# shellcheck disable=SC2016  # dpkg-query expands it
	dpkg-query -W -f '${Package} ${Version} ${Architecture} ${source:Package} ${source:Version}\n' \
		"$package:$architecture" >>"$work/packages"
done <"$work/names"
digest=$(cat "$work/packages" "$work/relations" | sha256sum | cut -d ' ' -f 1)

awk -v name="$name" -v version="$version" -v architecture="$architecture" -v distribution="$distribution" \
	-v release="$release" -v created="$created" -v digest="$digest" -v programs="$programs" '
function encoded(text) { # as a purl wants a version
	gsub(/%/, "%25", text)
	gsub(/\+/, "%2B", text)
	gsub(/:/, "%3A", text)
	return text
}
function id(text) {
	gsub(/[^A-Za-z0-9.-]/, "-", text)
	return "SPDXRef-" text
}
function package(reference, title, number, purpose, license, rest) {
	printf "%s    {\n      \"SPDXID\": \"%s\",\n      \"name\": \"%s\",\n", comma, reference, title
	printf "      \"versionInfo\": \"%s\",\n", number
	printf "      \"primaryPackagePurpose\": \"%s\",\n      \"downloadLocation\": \"NOASSERTION\",\n", purpose
	printf "      \"filesAnalyzed\": false,\n      \"licenseConcluded\": \"%s\",\n", license
	printf "      \"licenseDeclared\": \"%s\",\n      \"copyrightText\": \"NOASSERTION\"%s\n    }", license, rest
	comma = ",\n"
}
function relation(from, what, to) {
	printf "%s    {\"spdxElementId\": \"%s\", ", comma, from
	printf "\"relationshipType\": \"%s\", \"relatedSpdxElement\": \"%s\"}", what, to
	comma = ",\n"
}
BEGIN {
	printf "{\n  \"spdxVersion\": \"SPDX-2.3\",\n  \"dataLicense\": \"CC0-1.0\",\n  \"SPDXID\": \"SPDXRef-DOCUMENT\",\n"
	printf "  \"name\": \"%s_%s_%s\",\n", name, version, architecture
	printf "  \"documentNamespace\": \"https://evauthd.invalid/spdx/%s_%s_%s-%s\",\n", name, encoded(version),
		architecture, digest
	printf "  \"creationInfo\": {\"created\": \"%s\", \"creators\": [\"Tool: evauthd-deploy-sbom.sh\"]},\n", created
	printf "  \"packages\": [\n"
	package(id("Package-" name), name, version, "INSTALL", "Apache-2.0", "")
	count = split(programs, names, " ")
	for (i = 1; i <= count; i++)
		package(id("Program-" names[i]), names[i], version, "APPLICATION", "Apache-2.0", "")
}
FILENAME ~ /packages$/ {
	purl = "pkg:deb/" distribution "/" encoded($1) "@" encoded($2) "?arch=" $3 "&distro=" release
	package(id("Library-" $1), $1, $2, "LIBRARY", "NOASSERTION", sprintf(",\n      \"sourceInfo\": \"built from the " \
		"source package %s %s\",\n      \"externalRefs\": [{\"referenceCategory\": \"PACKAGE-MANAGER\", " \
		"\"referenceType\": \"purl\", \"referenceLocator\": \"%s\"}]", $4, $5, purl))
	next
}
FNR == 1 {
	printf "\n  ],\n  \"relationships\": [\n"
	comma = ""
	relation("SPDXRef-DOCUMENT", "DESCRIBES", id("Package-" name))
	for (i = 1; i <= count; i++)
		relation(id("Package-" name), "CONTAINS", id("Program-" names[i]))
}
{ relation(id("Program-" $1), $3, id("Library-" $2)) }
END { printf "\n  ]\n}\n" }' "$work/packages" "$work/relations"
