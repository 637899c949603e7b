#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""clang-format-14 over every C file of the tree: prints what it would change. Other sources: lines of 120 columns.

    check_format.py CLANG_FORMAT [ROOT]
"""

import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tree  # noqa: E402

COLUMNS = 120


def main():
    clang_format = sys.argv[1]
    root = os.path.abspath(sys.argv[2] if len(sys.argv) > 2 else ".")
    files = [path for path in tree.tracked_files(root) if path.endswith((".c", ".h"))]
    if not files:
        print("check_format: no C files")
        return 1
    long_lines = [f"{path}:{number}: {len(line)} columns" for path in tree.tracked_files(root)
                  if path.endswith((".py", ".js", ".sh")) for number, line in enumerate(tree.read_lines(root, path), 1)
                  if len(line) > COLUMNS]
    if long_lines:
        return tree.report("check_format", long_lines)
    return subprocess.run([clang_format, "--dry-run", "-Werror", "--style=file", *files], cwd=root,
                          check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
