#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the manual pages: the text is in docs/man/*.in, the options come from the programs' own --help, so that no page
# lags behind its program. Lines that begin with @ are replaced.
#   sh docs/man/make.sh FOLDER-OF-PROGRAMS FOLDER-TO-WRITE-TO
set -eu
here=$(dirname "$0")
programs=$1
target=$2
mkdir -p "$target"

# argp wraps at the right margin: one far away, and the texts in a column of their own.
help_of() {
	program=$1
	shift
	ARGP_HELP_FMT=rmargin=8000,opt-doc-col=70,dup-args=0 "$programs/$program" "$@" --help
}

list() { # PART SKIP, of standard input
	awk -v part="$1" -v skip=" $2 " -f "$here/options.awk"
}

# "tariff create" of every line "  tariff create FILE    store ..." of evauth --help
evauth_commands() {
	help_of evauth | sed -nE -e 's/^  ([a-z]+( [a-z][a-z-]*)?) [A-Z[].*/\1/p' -e t \
		-e 's/^  ([a-z]+( [a-z][a-z-]*)?)  .*/\1/p'
}

global_options="json quiet server timeout tls-ca-file tls-cert-file tls-key-file tls-server-name"

evauth_reference() {
	evauth_commands | while read -r command; do
		# shellcheck disable=SC2086  # one word or two
		text=$(help_of evauth $command </dev/null)
		arguments=$(printf '%s\n' "$text" | sed -nE "1s/^Usage: evauth $command \[OPTION\.\.\.\] ?//p")
		echo ".Ss $command${arguments:+ $arguments}"
		printf '%s\n' "$text" | list about ""
		printf '%s\n' "$text" | list options "$global_options help usage"
	done
}

bench_reference() {
	help_of evauth-bench | sed -nE 's/^  ([a-z][a-z-]*) .*/\1/p' | while read -r command; do
		echo ".Ss $command"
		help_of evauth-bench "$command" </dev/null | list about ""
		help_of evauth-bench "$command" </dev/null | list options "help usage version"
	done
}

for page in "$here"/*.in; do
	name=$(basename "$page" .in)
	while IFS= read -r line; do
		case $line in
		@evauthd-options) help_of evauthd | list options "" ;;
		@evauthd-keys) help_of evauthd | list keys "config check-config version help" ;;
		@evauth-options) help_of evauth status | list options "help usage" ;;
		@evauth-commands) evauth_reference ;;
		@evauth-bench-commands) bench_reference ;;
		*) printf '%s\n' "$line" ;;
		esac
	done <"$page" >"$target/$name.new"
	mv "$target/$name.new" "$target/$name"
done
