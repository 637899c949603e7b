# SPDX-License-Identifier: Apache-2.0
"""The files of the source tree, for the checks beside this file."""

import os
import shutil
import subprocess

IGNORED_FOLDERS = {".git", "build", "__pycache__", "evauthd-data", "node_modules"}


def tracked_files(root):
    """Paths relative to root, sorted: what git tracks, or every file where there is no usable git."""
    if os.path.exists(os.path.join(root, ".git")) and shutil.which("git"):
        listing = subprocess.run(["git", "-c", "safe.directory=*", "-C", root, "ls-files", "-z", "--cached", "--others",
                                  "--exclude-standard"], capture_output=True, check=False)
        if listing.returncode == 0:
            names = listing.stdout.decode().split("\0")
            return sorted(name for name in names if name and os.path.isfile(os.path.join(root, name)))
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in IGNORED_FOLDERS]
        found += [os.path.relpath(os.path.join(folder, name), root) for name in files]
    return sorted(found)


def read_lines(root, path):
    """The lines of a text file, without line ends; nothing for a binary one."""
    with open(os.path.join(root, path), "rb") as file:
        data = file.read()
    if b"\0" in data:
        return []
    return data.decode("utf-8", "replace").split("\n")


def report(name, offences):
    """Prints the offences, one a line, and returns the exit code of a check."""
    for offence in offences:
        print(offence)
    print(f"{name}: {len(offences)} offence(s)" if offences else f"{name}: clean")
    return 1 if offences else 0
