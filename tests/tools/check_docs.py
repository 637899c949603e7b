#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the documents name exists, and every source file says its licence: prints file:line of what does not hold.

    check_docs.py [ROOT]

  - paths in `code`, in fenced blocks and in links of every .md file exist (in docs/architecture.md above all);
  - commands in fenced blocks of every .md file exist: scripts, CMake presets, programs that a preset builds;
  - docs/architecture.md names every module folder;
  - no file holds a path of somebody's machine, nor a note about work left undone;
  - every source file has its SPDX line at the top.
"""

import glob
import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import check_includes  # noqa: E402
import tree  # noqa: E402

SOURCES = (".c", ".h", ".proto", ".py", ".js", ".sh")
SPDX = "SPDX-License-Identifier: Apache-2.0"
# Spelled in two parts, so that this file passes its own check.
UNDONE = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) + r")\b|" + "for" + " now|"
                    + "not" + " implemented yet")
MACHINE = re.compile(r"(?<![\w.])/(?:work|root|Users)/|(?<![\w.])/home/\w")
CODE_SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
PATH = re.compile(r"^[A-Za-z.][\w.*-]*(?:/[\w.*-]+)*/?$")
FILE_NAME = re.compile(r"^[\w-]+\.(?:c|h|md|py|js|sh|proto|txt|json|cmake)$")
SCRIPT = re.compile(r"(?:^|\s)(?:sh|bash|node|python3|/usr/bin/python3) ([\w./-]+\.(?:sh|py|js))\b")
PRESET = re.compile(r"(?:cmake|ctest)(?: --build)? --preset (\w+)")
PROGRAM = re.compile(r"\bbuild/\w+/bin/([\w-]+)")


def split_markdown(lines):
    """Yields (number, line, inside a fenced block)."""
    fenced = False
    for number, line in enumerate(lines, 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
            continue
        yield number, line, fenced or line.startswith("    ")


def top_folders(root):
    return {name for name in os.listdir(root) if os.path.isdir(os.path.join(root, name)) and name != "build"}


def named_paths(root, line, fenced):
    """What in this line can only be meant as a path of the tree."""
    words = re.split(r"[\s,;()\"'`|:]+", line) if fenced else CODE_SPAN.findall(line)
    folders = top_folders(root)
    for word in words:
        word = word.rstrip(".")
        if not PATH.match(word):
            continue
        if "/" in word and word.split("/")[0] in folders:
            yield word
        elif not fenced and FILE_NAME.match(word):
            yield word


def path_exists(root, document, word):
    """Seen from the root; a bare file name also beside the document, or anywhere when it is only a name."""
    if glob.glob(os.path.join(root, word)) or glob.glob(os.path.join(root, os.path.dirname(document), word)):
        return True
    return "/" not in word and bool(glob.glob(os.path.join(root, "**", word), recursive=True))


def programs_of(root, files):
    """What the build makes: the names after add_executable."""
    names = set()
    for path in files:
        if os.path.basename(path) == "CMakeLists.txt":
            names.update(re.findall(r"add_executable\((\S+)", "\n".join(tree.read_lines(root, path))))
    return names


def check_commands(root, where, line, facts):
    """Offences of the commands in one line of a fenced block."""
    for script in SCRIPT.findall(line):
        if not os.path.isfile(os.path.join(root, script)):
            yield f"{where}: no such script: {script}"
    for preset in PRESET.findall(line):
        if preset not in facts["presets"]:
            yield f"{where}: no such preset: {preset}"
    for program in PROGRAM.findall(line):
        if program not in facts["programs"]:
            yield f"{where}: no CMakeLists.txt makes the program {program}"


def check_markdown(root, document, facts):
    """Offences of one .md file."""
    for number, line, fenced in split_markdown(tree.read_lines(root, document)):
        where = f"{document}:{number}"
        for word in named_paths(root, line, fenced):
            if not path_exists(root, document, word):
                yield f"{where}: no such file: {word}"
        for target in LINK.findall(line):
            if "://" not in target and not path_exists(root, document, target):
                yield f"{where}: the link leads nowhere: {target}"
        if fenced:
            yield from check_commands(root, where, line, facts)


def check_text(root, path):
    """Offences any file can have: machine paths, undone work."""
    parent = os.path.dirname(root).rstrip("/") + "/"
    for number, line in enumerate(tree.read_lines(root, path), 1):
        if MACHINE.search(line) or (len(parent) > 5 and parent in line):
            yield f"{path}:{number}: a path of somebody's machine"
        if UNDONE.search(line) and path != "LICENSE":
            yield f"{path}:{number}: work left undone: {line.strip()[:60]}"


def check_licence(root, path):
    """The SPDX line is the first one, or the second after #!."""
    lines = tree.read_lines(root, path)
    if not any(SPDX in line for line in lines[:2]):
        yield f"{path}:1: no SPDX line"


def check_architecture(root, files):
    """docs/architecture.md shows every module."""
    document = "docs/architecture.md"
    if document not in files:
        yield f"{document}:1: missing"
        return
    text = "\n".join(tree.read_lines(root, document))
    rows = dict(re.findall(r"^\| `([\w/]+)/` \|.*\| ([^|]+) \|$", text, re.MULTILINE))
    for module, allowed in check_includes.MODULES.items():
        if os.path.isdir(os.path.join(root, module)) and module + "/" not in text:
            yield f"{document}:1: does not name the module {module}/"
        told = {name.strip() for name in rows.get(module, "all").split(",")}
        if told.isdisjoint({"all", "all of daemon"}) and told - {"nothing of ours"} != {
                name.split("/")[-1] for name in allowed}:
            yield f"{document}:1: says that {module}/ may include {rows[module]}; check_includes.py says {allowed}"


def main():
    root = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else ".")
    files = tree.tracked_files(root)
    with open(os.path.join(root, "CMakePresets.json"), encoding="utf-8") as file:
        presets = json.load(file)["configurePresets"]
    facts = {"presets": {preset["name"] for preset in presets}, "programs": programs_of(root, files)}
    offences = list(check_architecture(root, files))
    for path in files:
        offences += check_text(root, path)
        if path.endswith(".md"):
            offences += check_markdown(root, path, facts)
        if path.endswith(SOURCES):
            offences += check_licence(root, path)
    return tree.report("check_docs", offences)


if __name__ == "__main__":
    sys.exit(main())
