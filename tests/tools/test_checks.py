#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The checks beside this file find what they are there to find: planted offences in a small tree of their own."""

import os
import subprocess
import sys
import tempfile
import unittest

TOOLS = os.path.dirname(os.path.abspath(__file__))
SPDX = "// SPDX-License-Identifier: Apache-2.0\n"

CLEAN = {
    "CMakePresets.json": '{"configurePresets": [{"name": "release"}]}',
    "CMakeLists.txt": "add_executable(evauthd main.c)\n",
    "base/bytes.h": SPDX + "#include <stdint.h>\n",
    "proto/frame.h": SPDX + '#include "base/bytes.h"\n',
    "store/db.c": SPDX + '#include "proto/frame.h"\n#include <lmdb.h>\n',
    "deploy/start.sh": "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n",
    "docs/architecture.md": "`base/` `proto/` `store/`\n",
    "README.md": "```\nsh deploy/start.sh\ncmake --preset release\nbuild/release/bin/evauthd\n```\n",
}


class Checks(unittest.TestCase):
    def run_check(self, check, changes):
        """Runs a check over the clean tree with `changes` made; returns (exit code, output)."""
        with tempfile.TemporaryDirectory() as root:
            for path, text in {**CLEAN, **changes}.items():
                os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                    file.write(text)
            done = subprocess.run([sys.executable, os.path.join(TOOLS, check), root], capture_output=True, text=True,
                                  check=False)
            return done.returncode, done.stdout + done.stderr

    def assert_found(self, check, path, text, where):
        code, output = self.run_check(check, {path: text})
        self.assertEqual(code, 1, output)
        self.assertIn(where, output)

    def test_clean_tree_passes(self):
        for check in ("check_includes.py", "check_docs.py"):
            code, output = self.run_check(check, {})
            self.assertEqual((code, output.strip()), (0, check[:-3] + ": clean"))

    def test_include_that_points_up_is_found(self):
        self.assert_found("check_includes.py", "base/arena.c",
                          SPDX + '#include "base/bytes.h"\n#include "store/db.h"\n',
                          'base/arena.c:3: "store/db.h" is no file')
        self.assert_found("check_includes.py", "base/arena.c", SPDX + '#include "proto/frame.h"\n',
                          "base/arena.c:2: base must not include proto")

    def test_siblings_do_not_include_each_other(self):
        self.assert_found("check_includes.py", "daemon/net/loop.c", SPDX + '\n#include "proto/frame.h"\n',
                          "daemon/net/loop.c:3: daemon/net must not include proto")

    def test_vendor_header_away_from_home_is_found(self):
        self.assert_found("check_includes.py", "store/apply.c", SPDX + "#include <lmdb.h>\n",
                          "store/apply.c:2: <lmdb.h>")
        self.assert_found("check_includes.py", "cli/main.c", SPDX + '#include "evauth.pb-c.h"\n',
                          "cli/main.c:2: <evauth.pb-c.h>")
        self.assert_found("check_includes.py", "daemon/rpc/rpc.c", SPDX + "#include <uv.h>\n",
                          "daemon/rpc/rpc.c:2: <uv.h>")
        self.assert_found("check_includes.py", "base/arena.c", SPDX + "#include <check.h>\n", "for tests only")

    def test_folder_without_a_rule_is_found(self):
        self.assert_found("check_includes.py", "misc/x.c", SPDX, "misc/x.c:1: belongs to no module")

    def test_tests_may_look_at_everything(self):
        code, output = self.run_check("check_includes.py",
                                      {"tests/unit/test_db.c": SPDX + '#include "store/db.c"\n#include <check.h>\n'})
        self.assertEqual(code, 0, output)

    def test_document_naming_what_is_not_there_is_found(self):
        self.assert_found("check_docs.py", "docs/architecture.md", "`base/` `proto/` `store/`\nsee `store/apply.c`\n",
                          "docs/architecture.md:2: no such file: store/apply.c")
        self.assert_found("check_docs.py", "docs/architecture.md", "`base/` `proto/`\n", "the module store/")
        self.assert_found("check_docs.py", "docs/x.md", "[a](y.md)\n", "docs/x.md:1: the link leads nowhere")

    def test_include_rules_that_are_told_otherwise_are_found(self):
        table = "`base/` `proto/`\n| `store/` | the truth | {} |\n"
        self.assert_found("check_docs.py", "docs/architecture.md", table.format("base"),
                          "says that store/ may include base")
        self.assertEqual(self.run_check("check_docs.py", {"docs/architecture.md": table.format("proto, base")})[0], 0)

    def test_command_that_does_not_exist_is_found(self):
        for command, text in (("sh deploy/stop.sh", "no such script"), ("cmake --preset fast", "no such preset"),
                              ("build/release/bin/evaut", "makes the program evaut")):
            self.assert_found("check_docs.py", "README.md", f"```\n{command}\n```\n", text)

    def test_machine_path_and_undone_work_are_found(self):
        self.assert_found("check_docs.py", "base/x.c", SPDX + "\n// see /ho" + "me/jan/notes\n",
                          "base/x.c:3: a path of")
        self.assert_found("check_docs.py", "base/x.c", SPDX + "// TO" + "DO: more\n", "base/x.c:2: work left undone")

    def test_source_without_licence_is_found(self):
        self.assert_found("check_docs.py", "base/x.c", "int x;\n", "base/x.c:1: no SPDX line")

    def test_an_event_the_table_tells_otherwise_is_found(self):
        source = SPDX + 'log_info("ready", "x");\nlog_event(bad ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO,\n "state", "x");\n'
        table = "| Event | Level | Means |\n|---|---|---|\n| `ready` | info | x |\n| `state` | info, error | x |\n"
        self.assertEqual(self.run_check("check_events.py", {"daemon/a.c": source, "docs/operations.md": table})[0], 0)
        for changes, what in (
                ({"daemon/a.c": source + 'log_error("lost",\n"x");\n'}, "the event lost is not in the table"),
                ({"daemon/a.c": source + 'log_error("ready", "x");\n'}, "the event ready has the level error"),
                ({"daemon/a.c": source + 'log_error("Ready", "x");\n'}, "'Ready' is no name"),
                ({"daemon/a.c": source + 'log_error(name, "x");\n'}, "the event is no literal"),
                ({"docs/operations.md": table + "| `gone` | info | x |\n"}, "nothing logs the event gone"),
                ({"docs/operations.md": table.replace("`ready` | info", "`ready` | info, debug")},
                 "none of these events has the level debug")):
            code, output = self.run_check("check_events.py",
                                          {"daemon/a.c": source, "docs/operations.md": table, **changes})
            self.assertEqual(code, 1, output)
            self.assertIn(what, output)

    def test_a_program_that_is_not_hardened_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            source, program = os.path.join(folder, "soft.c"), os.path.join(folder, "soft")
            with open(source, "w", encoding="utf-8") as file:
                file.write("int main(void) { return 0; }\n")
            subprocess.run(["cc", "-no-pie", "-fno-pie", "-Wl,-z,norelro,-z,lazy,-z,execstack", "-o", program, source],
                           check=True)
            done = subprocess.run([sys.executable, os.path.join(TOOLS, "check_hardening.py"), program],
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 1, done.stdout)
            for what in ("position independent", "stay writable", "late", "executable stack", "stack protectors",
                         "hands to libc"):
                self.assertIn(what, done.stdout)


if __name__ == "__main__":
    unittest.main()
