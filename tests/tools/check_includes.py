#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Arrows point down only (DESIGN 3): prints file:line of every #include that does not.

    check_includes.py [ROOT]

A module is a folder below; the longest one a path starts with is its home. A module may include itself, what its row
names, and the system's headers; a vendor's header only where VENDORS says it lives.
"""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tree  # noqa: E402

# What each module may include besides itself. Files right in daemon/ are main, server and options.
MODULES = {
    "base": [],
    "tls": ["base"],
    "proto": ["base"],
    "store": ["proto", "base"],
    "daemon/tariff": ["store", "proto", "base"],
    "daemon/decide": ["daemon/tariff", "store", "proto", "base"],
    "daemon/net": ["tls", "base"],
    "daemon/rpc": ["daemon/decide", "daemon/tariff", "daemon/notify", "daemon/net", "store", "proto", "base"],
    "daemon/feed": ["daemon/net", "tls", "client", "store", "proto", "base"],
    "daemon/notify": ["store", "proto", "base"],
    "daemon/admin": ["daemon/net", "tls", "store", "proto", "base"],
    "daemon": ["daemon/admin", "daemon/feed", "daemon/notify", "daemon/rpc", "daemon/decide", "daemon/tariff",
               "daemon/net", "tls", "store", "proto", "base"],
    "client": ["tls", "proto", "base"],
    "cli": ["client", "tls", "proto", "base"],
    "bench": ["client", "proto", "base"],
}

# Look at everything: tests, and the micro-benchmarks of single stages.
FREE = re.compile(r"^(tests/|bench/(bench|micro)_)")

# (what the header's name starts or ends with, where it may be included)
VENDORS = [
    (re.compile(r"^lmdb\.h$"), re.compile(r"^store/db[^/]*\.[ch]$")),
    (re.compile(r"^uv\.h$|^uv/"), re.compile(r"^daemon/net/([^/]*\.c|[^/]*_internal\.h)$")),
    (re.compile(r"\.pb-c\.h$|^protobuf-c/"), re.compile(r"^proto/[^/]*\.[ch]$")),
    (re.compile(r"^jansson\.h$"), re.compile(r"^proto/|^bench/plot_json\.c$")),
    (re.compile(r"^hiredis/"), re.compile(r"^daemon/feed/")),
    (re.compile(r"^confuse\.h$"), re.compile(r"^daemon/options[^/]*\.[ch]$")),
    (re.compile(r"^argp\.h$"), re.compile(r"^(daemon/options[^/]*|cli/[^/]*|bench/[^/]*)\.[ch]$")),
    (re.compile(r"^libpq-fe\.h$"), re.compile(r"^bench/(peer|protocol)_postgres\.c$")),
    (re.compile(r"^isa-l"), re.compile(r"^base/")),
    (re.compile(r"^xxhash\.h$"), re.compile(r"^base/")),
    (re.compile(r"^systemd/"), re.compile(r"^(base/log|daemon/)")),
    (re.compile(r"^openssl/"), re.compile(r"^tls/")),
    (re.compile(r"^microhttpd\.h$"), re.compile(r"^daemon/admin/")),
]
# Vendor headers of tests only.
TEST_VENDORS = re.compile(r"^(check\.h|sanitizer/)")

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


def module_of(path):
    """The module a path belongs to, or None."""
    homes = [name for name in MODULES if path.startswith(name + "/")]
    return max(homes, key=len) if homes else None


def offence_of_own(root, path, header):
    """What is wrong with `#include "header"` in path, or None."""
    if header.endswith(".pb-c.h"):
        return offence_of_vendor(path, os.path.basename(header))
    if not os.path.isfile(os.path.join(root, header)):
        return f'"{header}" is no file, seen from the root'
    if FREE.match(path):
        return None
    home, target = module_of(path), module_of(header)
    if target is None:
        return f'"{header}" belongs to no module'
    if target != home and target not in MODULES[home]:
        return f'{home} must not include {target} ("{header}")'
    return None


def offence_of_vendor(path, header):
    """What is wrong with `#include <header>` in path, or None."""
    if path.startswith("tests/"):
        return None
    if TEST_VENDORS.match(header):
        return f"<{header}> is for tests only"
    for names, homes in VENDORS:
        if names.search(header) and not homes.match(path):
            return f"<{header}> has another home: {homes.pattern}"
    return None


def check_file(root, path):
    """All offences of one source file, as file:line: text."""
    offences = []
    for number, line in enumerate(tree.read_lines(root, path), 1):
        include = INCLUDE.match(line)
        if not include:
            continue
        own, vendor = include.groups()
        offence = offence_of_own(root, path, own) if own else offence_of_vendor(path, vendor)
        if offence:
            offences.append(f"{path}:{number}: {offence}")
    return offences


def main():
    root = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else ".")
    offences = []
    for path in tree.tracked_files(root):
        if not path.endswith((".c", ".h")):
            continue
        if module_of(path) is None and not FREE.match(path):
            offences.append(f"{path}:1: belongs to no module; name its folder in tests/tools/check_includes.py")
        else:
            offences += check_file(root, path)
    return tree.report("check_includes", offences)


if __name__ == "__main__":
    sys.exit(main())
