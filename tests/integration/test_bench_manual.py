# SPDX-License-Identifier: Apache-2.0
"""docs/bench.md names every command and every option of evauth-bench, and no other."""

import os
import re
import subprocess
import unittest

COMMAND_LINE = re.compile(r"^  ([a-z][a-z-]*) +\S")  # of `evauth-bench --help`
HELP_OPTION = re.compile(r"^ {2,6}(?:-\w, +)?--([a-z][a-z-]*)")
OPTION = re.compile(r"--([a-z][a-z-]*)")
SECTION = re.compile(r"^## evauth-bench ([a-z-]+)$")
STANDARD = {"help", "usage", "version"}


def help_of(*arguments):
    program = os.environ["EVAUTH_BENCH_BIN"]
    return subprocess.run([program, *arguments, "--help"], capture_output=True, text=True, timeout=60,
                          check=True).stdout.splitlines()


def read_manual():
    path = os.path.join(os.environ["EVAUTH_SOURCE_DIR"], "docs", "bench.md")
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines()


class Manual(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        commands = [match[1] for line in help_of() if (match := COMMAND_LINE.match(line))]
        cls.options = {command: {match[1] for line in help_of(command) if (match := HELP_OPTION.match(line))} - STANDARD
                       for command in commands}
        cls.manual = read_manual()

    def tables(self):
        """Section -> the options that the first cells of its tables name."""
        section, found = None, {}
        for line in self.manual:
            if line.startswith("## "):
                match = SECTION.match(line)
                section = match[1] if match else None
            if section:
                options = found.setdefault(section, set())
                if line.startswith("| `--"):
                    options.update(OPTION.findall(re.split(r"(?<!\\)\|", line)[1]))
        return found

    def test_the_help_was_understood(self):
        self.assertIn("run", self.options)
        self.assertIn("seconds", self.options["run"])
        for command, options in self.options.items():
            self.assertTrue(options, command)

    def test_every_command_has_a_section_with_exactly_its_options(self):
        self.assertEqual(self.tables(), self.options)

    def test_the_list_of_commands_is_complete(self):
        listed = [match[1] for line in self.manual if (match := re.match(r"^\| \[([a-z-]+)\]", line))]
        self.assertEqual(sorted(listed), sorted(self.options))

    def test_no_other_option_is_named_anywhere(self):
        known = set().union(*self.options.values()) | STANDARD
        for number, line in enumerate(self.manual, 1):
            if line.startswith("    ") and "evauth-bench" not in line:
                continue  # of other programs: test_the_recipes_use_options_that_exist
            for option in OPTION.findall(line):
                self.assertIn(option, known, f"line {number}: {line}")

    def test_the_recipes_use_options_that_exist(self):
        seen = set()
        for number, line in enumerate(self.manual, 1):
            match = re.match(r"^    .*evauth-bench ([a-z-]+)\b(.*)", line)
            if match and match[1] in self.options:
                seen.add(match[1])
                for option in OPTION.findall(match[2]):
                    self.assertIn(option, self.options[match[1]], f"line {number}: {line}")
            match = re.match(r"^    (evauthd|evauth) (.*)", line)
            if match:
                program = os.environ[{"evauthd": "EVAUTHD_BIN", "evauth": "EVAUTH_BIN"}[match[1]]]
                text = subprocess.run([program, "--help"], capture_output=True, text=True, timeout=60,
                                      check=True).stdout
                for option in OPTION.findall(match[2]):
                    self.assertIn("--" + option, text, f"line {number}: {line}")
        self.assertLessEqual({"run", "plot", "compare", "propagation", "generate"}, seen)


if __name__ == "__main__":
    unittest.main()
