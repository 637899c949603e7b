#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Programs are built so that a mistake in them is hard to use; prints what is missing.

    check_hardening.py PROGRAM...

Position independent, read-only relocations bound at the start, no executable stack, nothing both writable and
executable, stack protectors, checked libc calls, and no folder to look for libraries in.
"""

import re
import subprocess
import sys


def readelf(*arguments):
    return subprocess.run(["readelf", "--wide", *arguments], capture_output=True, text=True, check=True).stdout


def check(program):
    """Yields what is missing."""
    if not re.search(r"Type:\s+DYN", readelf("--file-header", program)):
        yield "is not position independent"
    segments, dynamic = readelf("--segments", program), readelf("--dynamic", program)
    symbols = readelf("--dyn-syms", program)
    if not re.search(r"^\s+GNU_RELRO\s", segments, re.MULTILINE):
        yield "has relocations that stay writable"
    if not re.search(r"BIND_NOW|FLAGS_1.*\bNOW\b", dynamic):
        yield "binds its functions late"
    if not re.search(r"^\s+GNU_STACK\s.*\sRW\s", segments, re.MULTILINE):
        yield "has an executable stack"
    if re.search(r"^\s+LOAD\s.*\sRWE\s", segments, re.MULTILINE):
        yield "has memory both writable and executable"
    if re.search(r"\((RPATH|RUNPATH|TEXTREL)\)", dynamic):
        yield "looks for libraries elsewhere, or has text relocations"
    if "__stack_chk_fail" not in symbols:
        yield "has no stack protectors"
    if not re.search(r"\b__(?!stack_chk)\w+_chk\b", symbols):
        yield "does not check the sizes of what it hands to libc"


def main():
    missing = [f"{program}: {what}" for program in sys.argv[1:] for what in check(program)]
    for line in missing:
        print(line)
    if not sys.argv[1:]:
        sys.exit(__doc__)
    print(f"check_hardening: {len(sys.argv) - 1} program(s), {len(missing)} offence(s)")
    sys.exit(1 if missing else 0)


if __name__ == "__main__":
    main()
