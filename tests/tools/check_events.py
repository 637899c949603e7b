#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every event the daemon logs is in the table of docs/operations.md with its level, and no other: prints what is not.

    check_events.py [ROOT]
"""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tree  # noqa: E402

DOCUMENT = "docs/operations.md"
FOLDERS = ("base/", "store/", "tls/", "daemon/")
LEVELS = ("error", "warning", "info", "debug")
# log_warning("event", ...), and log_event(LEVELS, "event", ...), whose levels may be chosen where it is called.
CALL = re.compile(r'\blog_(error|warning|info|debug)\(\s*"([^"]*)"')
CALL_OF_LEVEL = re.compile(r'\blog_event\(([^";]*?),\s*"([^"]*)"')
ANY_CALL = re.compile(r"\blog_(?:error|warning|info|debug|event)\(")
ROW = re.compile(r"^\| ((?:`\w+`(?:, )?)+) \| ([a-z, ]+) \|")


def logged_events(root, files):
    """{event: (levels, where it is logged first)}, and what cannot be read."""
    events, offences = {}, []
    for path in files:
        if not path.endswith(".c") or not path.startswith(FOLDERS) or path == "base/log.c":
            continue
        text = "\n".join(tree.read_lines(root, path))
        calls = [(match.start(), {match.group(1)}, match.group(2)) for match in CALL.finditer(text)]
        for match in CALL_OF_LEVEL.finditer(text):
            levels = {level for level in LEVELS if f"LOG_LEVEL_{level.upper()}" in match.group(1)}
            calls.append((match.start(), levels, match.group(2)))
        for at, levels, event in calls:
            where = f"{path}:{text.count(chr(10), 0, at) + 1}"
            known = events.setdefault(event, (set(), where))
            known[0].update(levels)
        starts = {at for at, _, _ in calls}
        offences += [f"{path}:{text.count(chr(10), 0, match.start()) + 1}: the event is no literal"
                     for match in ANY_CALL.finditer(text) if match.start() not in starts]
    return events, offences


def told_events(root):
    """{event: (levels of its row, where)} of the table."""
    told = {}
    for number, line in enumerate(tree.read_lines(root, DOCUMENT), 1):
        row = ROW.match(line)
        if row and set(row.group(2).split(", ")) <= set(LEVELS):
            for event in re.findall(r"`(\w+)`", row.group(1)):
                told[event] = (set(row.group(2).split(", ")), f"{DOCUMENT}:{number}")
    return told


def main():
    root = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else ".")
    logged, offences = logged_events(root, tree.tracked_files(root))
    told = told_events(root) if os.path.isfile(os.path.join(root, DOCUMENT)) else {}
    for event, (levels, where) in logged.items():
        if not re.fullmatch(r"[a-z_]+", event):
            offences.append(f"{where}: '{event}' is no name of an event: lower case and underscores")
        if event not in told:
            offences.append(f"{where}: the event {event} is not in the table of {DOCUMENT}")
        elif not levels <= told[event][0]:
            offences.append(f"{told[event][1]}: the event {event} has the level {', '.join(sorted(levels))}")
    for event, (levels, where) in told.items():
        row = [name for name, (_, other) in told.items() if other == where]
        used = set().union(*(logged[name][0] for name in row if name in logged))
        if event not in logged:
            offences.append(f"{where}: nothing logs the event {event}")
        elif levels - used and row[0] == event:
            offences.append(f"{where}: none of these events has the level {', '.join(sorted(levels - used))}")
    return tree.report("check_events", offences)


if __name__ == "__main__":
    sys.exit(main())
