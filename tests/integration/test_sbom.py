#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The list of what a package is made of: valid, whole, the same each time; and the check of it finds what is wrong."""

import copy
import json
import os
import shutil
import subprocess
import sys
import unittest

import harness

SOURCE = os.environ["EVAUTH_SOURCE_DIR"]
SCRIPT = os.path.join(SOURCE, "deploy", "sbom.sh")
PROGRAMS = [os.environ[name] for name in ("EVAUTHD_BIN", "EVAUTH_BIN")]
sys.path.insert(0, os.path.join(SOURCE, "tests", "tools"))
import check_sbom  # noqa: E402


def make(*arguments, **environment):
    return subprocess.run(["sh", SCRIPT, *arguments], capture_output=True, text=True, timeout=120, check=False,
                          env={**os.environ, "SOURCE_DATE_EPOCH": "1800000000", **environment})


@unittest.skipUnless(shutil.which("dpkg-query") and shutil.which("readelf"), "no dpkg or no binutils here")
class Sbom(harness.DaemonTest):
    @classmethod
    def setUpClass(cls):
        done = make("evauthd", "1.2.3-4+x", *PROGRAMS, "--headers", "libxxhash-dev")
        assert done.returncode == 0, done.stderr
        cls.text, cls.document = done.stdout, json.loads(done.stdout)

    def library(self, name):
        return next(each for each in self.document["packages"] if each["name"] == name)

    def test_it_is_valid_and_names_every_library_of_the_programs(self):
        self.assertEqual(list(check_sbom.check(self.document, PROGRAMS)), [])
        self.assertEqual(self.document["creationInfo"]["created"], "2027-01-15T08:00:00Z")
        related = {each["relatedSpdxElement"]: each["relationshipType"] for each in self.document["relationships"]}
        self.assertEqual(related["SPDXRef-Library-liblmdb0"], "DYNAMIC_LINK")
        self.assertEqual(related["SPDXRef-Library-libxxhash-dev"], "STATIC_LINK")

    def test_a_version_is_the_one_that_is_installed_and_stands_in_the_purl_as_it_wants_it(self):
        library = self.library("libc6")
        installed = subprocess.run(["dpkg-query", "-W", "-f", "${Version} ${Architecture}", "libc6"],
                                   capture_output=True, text=True, check=True).stdout.split()
        self.assertEqual(library["versionInfo"], installed[0])
        escaped = installed[0].replace("+", "%2B").replace(":", "%3A")
        self.assertIn(f"/libc6@{escaped}?arch={installed[1]}&", library["externalRefs"][0]["referenceLocator"])

    def test_it_is_the_same_elsewhere_and_at_another_time(self):
        again = make("evauthd", "1.2.3-4+x", *PROGRAMS, "--headers", "libxxhash-dev", TZ="Pacific/Auckland",
                     LC_ALL="C.UTF-8", TMPDIR=self.make_folder())
        self.assertEqual(again.stdout, self.text)

    def test_what_is_not_the_same_has_another_namespace(self):
        other = json.loads(make("evauthd", "1.2.3-4+x", *PROGRAMS).stdout)
        self.assertNotEqual(other["documentNamespace"], self.document["documentNamespace"])

    def test_what_cannot_be_told_is_an_error_and_no_shorter_list(self):
        for arguments, environment in ((["x", "1"], {}), (["x", "1", "/etc/os-release"], {}),
                                       (["x", "1", PROGRAMS[1], "--headers", "no-such-package"], {}),
                                       (["x", "1", PROGRAMS[1]], {"SOURCE_DATE_EPOCH": ""})):
            with self.subTest(arguments=arguments, environment=environment):
                done = make(*arguments, **environment)
                self.assertNotEqual(done.returncode, 0)
                self.assertEqual(done.stdout, "")

    def test_the_check_finds_what_is_wrong(self):
        def forget(document, name):
            """Nobody knows that the library is used."""
            document["relationships"] = [each for each in document["relationships"]
                                         if each["relatedSpdxElement"] != f"SPDXRef-Library-{name}"]

        def lose(document, name):
            """The library is not there, and nobody misses it."""
            forget(document, name)
            document["packages"] = [each for each in document["packages"]
                                    if each["SPDXID"] != f"SPDXRef-Library-{name}"]

        def set_field(*path, to):
            def change(document):
                for step in path[:-1]:
                    document = document[step]
                document[path[-1]] = to
            return change

        changes = {
            "SPDX-2.3": set_field("spdxVersion", to="SPDX-2.2"),
            "CC0-1.0": set_field("dataLicense", to=""),
            "SPDXRef-DOCUMENT": set_field("SPDXID", to="x"),
            "name is missing": set_field("name", to=""),
            "without a fragment": set_field("documentNamespace", to="https://example.invalid/#x"),
            "creationInfo.created": set_field("creationInfo", "created", to="2026-01-01"),
            "creationInfo.creators": set_field("creationInfo", "creators", to=[]),
            "versionInfo is missing": set_field("packages", 3, "versionInfo", to=""),
            "filesAnalyzed": set_field("packages", 3, "filesAnalyzed", to=True),
            "primaryPackagePurpose": set_field("packages", 3, "primaryPackagePurpose", to="OTHER"),
            "not one purl": set_field("packages", -1, "externalRefs", to=[]),
            "is not there": set_field("relationships", 3, "relatedSpdxElement", to="SPDXRef-Library-gone"),
            "is no relationship": set_field("relationships", 3, "relationshipType", to="KNOWS"),
            "does not describe": set_field("relationships", 0, "relationshipType", to="CONTAINS"),
            "nothing refers to": lambda document: forget(document, "liblmdb0"),
            "is there twice": lambda document: document["packages"].append(document["packages"][1]),
            "evauthd is linked with liblmdb.so.0": lambda document: lose(document, "liblmdb0"),
            "no packages": set_field("packages", to=[]),
        }
        for finding, change in changes.items():
            with self.subTest(finding=finding):
                document = copy.deepcopy(self.document)
                change(document)
                programs = PROGRAMS[:1] if "linked" in finding else []
                self.assertTrue(any(finding in each for each in check_sbom.check(document, programs)))


if __name__ == "__main__":
    unittest.main()
