#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The manual pages say what --help says, and no more; mandoc finds nothing wrong with them. The completion knows every
command and every option."""

import os
import re
import subprocess
import tempfile
import unittest

SOURCE = os.environ["EVAUTH_SOURCE_DIR"]
PROGRAMS = os.path.dirname(os.environ["EVAUTHD_BIN"])
HELP_OPTION = re.compile(r"^ {2,6}(?:-[^-], +)?--([a-z][a-z-]*)", re.MULTILINE)
PAGE_OPTION = re.compile(r"^\.It .*Fl -([a-z][a-z-]*)", re.MULTILINE)
PAGE_KEY = re.compile(r"^\.It Cm ([a-z][a-z-]*) = ", re.MULTILINE)
GLOBAL = {"server", "json", "timeout", "quiet", "tls-ca-file", "tls-cert-file", "tls-key-file", "tls-server-name"}
NO_KEYS = {"config", "check-config", "version", "help"}
PAGES = ["evauth-bench.1", "evauth.1", "evauthd.8", "evauthd.conf.5"]


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True, **options).stdout


def help_of(program, *words):
    return run(os.path.join(PROGRAMS, program), *words, "--help")


def options_of(program, *words):
    return set(HELP_OPTION.findall(help_of(program, *words)))


def evauth_commands():
    """("tariff", "create"), ("search",), ... of the completion's table, which is made from the program's."""
    table = run(os.path.join(PROGRAMS, "evauth"), "completion", "bash")
    return [tuple(match.split()) for match in re.findall(r"^\t'([a-z -]+)'\*?\) options=", table, re.MULTILINE)]


class Manual(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="evauth-test-")
        cls.addClassCleanup(cls.folder.cleanup)
        run("sh", os.path.join(SOURCE, "docs", "man", "make.sh"), PROGRAMS, cls.folder.name)

    def path(self, page):
        return os.path.join(self.folder.name, page)

    def page(self, page):
        with open(self.path(page), encoding="utf-8") as file:
            return file.read()

    def sections(self, page):
        """Title of each .Ss -> its text."""
        parts = re.split(r"^\.Ss (.*)$", self.page(page).split("\n.Sh ENVIRONMENT")[0], flags=re.MULTILINE)
        return dict(zip(parts[1::2], parts[2::2]))

    def test_there_is_a_page_for_every_program_and_for_the_configuration(self):
        self.assertEqual(sorted(os.listdir(self.folder.name)), PAGES)

    def test_mandoc_warns_of_nothing(self):
        found = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", *map(self.path, PAGES)], capture_output=True,
                               text=True, timeout=120, check=False)
        self.assertEqual((found.returncode, found.stdout + found.stderr), (0, ""))

    def test_nothing_was_left_to_be_replaced(self):
        for page in PAGES:
            self.assertNotRegex(self.page(page), r"(?m)^@")

    def test_evauthd_has_exactly_its_options(self):
        options = options_of("evauthd")
        self.assertIn("map-size", options)
        self.assertEqual(set(PAGE_OPTION.findall(self.page("evauthd.8"))), options)

    def test_the_configuration_has_exactly_its_keys(self):
        keys = PAGE_KEY.findall(self.page("evauthd.conf.5"))
        self.assertEqual(set(keys), options_of("evauthd") - NO_KEYS)
        self.assertEqual(len(keys), len(set(keys)))

    def test_what_help_says_of_an_option_is_there(self):
        text = self.page("evauthd.8")
        self.assertIn("keep the database in DIR (default ./evauthd-data)\n", text)
        self.assertIn(".It Fl -store Ns = Ns Ar DIR\n", text)

    def test_evauth_has_every_command_with_exactly_its_options(self):
        sections = self.sections("evauth.1")
        commands = evauth_commands()
        listed = [line for line in help_of("evauth").splitlines() if line.startswith("  ")]
        self.assertEqual(len(sections), len(listed))
        self.assertEqual(len(commands), len(listed))
        for command in commands:
            titles = [title for title in sections if re.fullmatch(" ".join(command) + r"( [A-Z\[].*)?", title)]
            self.assertEqual(len(titles), 1, command)
            self.assertEqual(set(PAGE_OPTION.findall(sections[titles[0]])),
                             options_of("evauth", *command) - GLOBAL - {"help", "usage"}, command)

    def test_the_options_of_all_commands_stand_once_in_front(self):
        front = self.page("evauth.1").split(".Sh COMMANDS")[0]
        self.assertEqual(set(PAGE_OPTION.findall(front)), GLOBAL)

    def test_evauth_bench_has_every_command_with_exactly_its_options(self):
        sections = self.sections("evauth-bench.1")
        commands = re.findall(r"^  ([a-z][a-z-]*) +\S", help_of("evauth-bench"), re.MULTILINE)
        self.assertEqual(list(sections), commands)
        for command in commands:
            self.assertEqual(set(PAGE_OPTION.findall(sections[command])),
                             options_of("evauth-bench", command) - {"help", "usage", "version"}, command)

    def test_the_examples_use_options_that_exist(self):
        seen = 0
        for page in PAGES:
            for program, rest in re.findall(r"^(?:\.Dl )?(evauth|evauthd|evauth-bench) (.*--.*)$", self.page(page),
                                            re.MULTILINE):
                words = rest.split(" --")[0].split()
                nouns = {"evauthd": [], "evauth": words[:1] if words[:1] == ["authorize"] else words[:2],
                         "evauth-bench": words[:1]}[program]
                for option in re.findall(r"--([a-z-]+)", rest):
                    self.assertIn(option, options_of(program, *nouns), rest)
                    seen += 1
        self.assertGreater(seen, 8)


COMPLETE = r"""
. "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_evauth
printf '%s\n' "${COMPREPLY[@]}"
"""


class Completion(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="evauth-test-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.script = os.path.join(cls.folder.name, "evauth.bash")
        with open(cls.script, "w", encoding="utf-8") as file:
            file.write(run(os.path.join(PROGRAMS, "evauth"), "completion", "bash"))

    def complete(self, *words):
        out = run("bash", "-c", COMPLETE, "bash", self.script, "evauth", *words, cwd=self.folder.name)
        return out.split()

    def test_nouns(self):
        self.assertEqual(self.complete("tar"), ["tariff"])
        self.assertEqual(set(self.complete("")), {command[0] for command in evauth_commands()})

    def test_verbs(self):
        self.assertEqual(self.complete("group", "attach-"), ["attach-points", "attach-customers"])
        self.assertEqual(self.complete("log", "o"), ["orphans"])
        self.assertEqual(self.complete("nothing", ""), [])

    def test_every_command_completes_exactly_its_options(self):
        for command in evauth_commands():
            self.assertEqual(set(self.complete(*command, "--")),
                             {"--" + name for name in options_of("evauth", *command) - {"usage"}}, command)

    def test_options_before_the_noun_are_stepped_over(self):
        for server in (["--server", "unix", ":", "/run/evauthd/socket"], ["--server", "=", "localhost", ":", "7420"],
                       ["--json", "--timeout", "5"]):
            self.assertEqual(self.complete(*server, "cust"), ["customer"], server)
            self.assertEqual(self.complete(*server, "customer", "sh"), ["show"], server)

    def test_a_value_is_not_taken_for_a_command(self):
        self.assertEqual(self.complete("--server", "tar"), [])
        self.assertEqual(self.complete("--timeout", "=", ""), [])

    def test_files_where_a_file_is_wanted(self):
        with open(os.path.join(self.folder.name, "world.jsonl"), "w", encoding="utf-8"):
            pass
        self.assertEqual(self.complete("import", "wor"), ["world.jsonl"])
        self.assertEqual(self.complete("tariff", "put", "wor"), ["world.jsonl"])
        self.assertEqual(self.complete("visible", "wor"), [])


if __name__ == "__main__":
    unittest.main()
