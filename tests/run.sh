#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds everything, runs every test. Ends with ctest's summary; exit code 0 when all passed.
# Leaves nothing behind but build/. Can be run again at any time, and is much faster then.
#   sh tests/run.sh            everything
#   sh tests/run.sh -R NAME    arguments go to the last ctest, here: only the tests whose name matches
set -eu
cd "$(dirname "$0")/.."
jobs=$(nproc)
tests_at_once=$((jobs + (jobs + 1) / 2)) # many of them mostly wait

say() {
	printf '\n==> %s\n' "$*"
}

build() { # PRESET [cmake arguments...]
	preset=$1
	shift
	say "building: $preset $*"
	cmake --preset "$preset" "$@" >build/"$preset".log 2>&1 || { cat build/"$preset".log; exit 1; }
}

say "packages"
sh deploy/install-packages.sh build test bench
mkdir -p build

build asan
cmake --build --preset asan -j "$jobs" -- --quiet

build release -B build/clang -DCMAKE_C_COMPILER=clang -DEVAUTH_TESTS=ON # a second opinion on warnings
cmake --build build/clang -j "$jobs" --target evauthd evauth evauth-bench bench_decide malloc_count evauth_python \
	-- --quiet

say "no malloc per Authorize, and hardened programs: without sanitizers, who bring their own"
ctest --test-dir build/clang -R "test_zero_malloc|check_hardening" --no-tests=error

build tsan
cmake --build --preset tsan -j "$jobs" --target threads -- --quiet

say "tests where threads meet, under the thread sanitizer"
# The thread sanitizer of Debian 12 cannot live with all kinds of address space randomization.
fixed_addresses="setarch $(uname -m) -R"
$fixed_addresses true 2>/dev/null || fixed_addresses=
$fixed_addresses ctest --preset tsan -j "$tests_at_once" -L threads --no-tests=error

say "every test, under the address and undefined behaviour sanitizers"
exec ctest --preset asan -j "$tests_at_once" "$@"
