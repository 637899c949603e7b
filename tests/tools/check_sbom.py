#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A list of what a package is made of (deploy/sbom.sh) is SPDX 2.3 and whole; prints what is wrong.

    check_sbom.py FILE PROGRAM...

Has what the specification requires of a document, a package and a relationship; every reference leads somewhere;
nothing is in it that nothing refers to; and every library that one of the programs is linked with belongs to a package
of it.
"""

import json
import os
import re
import subprocess
import sys

ID = re.compile(r"^SPDXRef-[A-Za-z0-9.-]+$")
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
CREATOR = re.compile(r"^(Person|Organization|Tool): \S")
URI = re.compile(r"^[a-z][a-z0-9+.-]*:[^#\s]+$")
PURL = re.compile(r"^pkg:deb/[a-z]+/[a-z0-9.%B-]+@[A-Za-z0-9.%~_-]+\?arch=[a-z0-9]+&distro=[a-z]+$")
RELATIONS = {"DESCRIBES", "CONTAINS", "DEPENDS_ON", "DYNAMIC_LINK", "STATIC_LINK"}
PURPOSES = {"INSTALL", "APPLICATION", "LIBRARY"}
LINKED = {"DYNAMIC_LINK", "STATIC_LINK", "DEPENDS_ON"}


def check_document(document):
    """Yields what is wrong with the fields of the document itself."""
    for field, value in (("spdxVersion", "SPDX-2.3"), ("dataLicense", "CC0-1.0"), ("SPDXID", "SPDXRef-DOCUMENT")):
        if document.get(field) != value:
            yield f"{field} is not {value}"
    if not document.get("name"):
        yield "name is missing"
    if not URI.match(document.get("documentNamespace", "")):
        yield "documentNamespace is no URI without a fragment"
    creation = document.get("creationInfo", {})
    if not TIME.match(creation.get("created", "")):
        yield "creationInfo.created is no time of the form YYYY-MM-DDThh:mm:ssZ"
    if not creation.get("creators") or not all(CREATOR.match(each) for each in creation["creators"]):
        yield "creationInfo.creators names no person, organization or tool"


def check_package(package):
    where = package.get("SPDXID", "a package")
    if not ID.match(where):
        yield f"{where} has no SPDXID"
    for field in ("name", "versionInfo", "downloadLocation", "licenseConcluded", "licenseDeclared", "copyrightText"):
        if not package.get(field):
            yield f"{where}: {field} is missing"
    # Otherwise a code over all files is required.
    if package.get("filesAnalyzed") is not False:
        yield f"{where}: filesAnalyzed is not false"
    purpose = package.get("primaryPackagePurpose")
    if purpose not in PURPOSES:
        yield f"{where}: primaryPackagePurpose {purpose} is none of ours"
    purls = [each.get("referenceLocator", "") for each in package.get("externalRefs", [])
             if (each.get("referenceCategory"), each.get("referenceType")) == ("PACKAGE-MANAGER", "purl")]
    if purpose == "LIBRARY" and not (len(purls) == 1 and PURL.match(purls[0])):
        yield f"{where}: has not one purl that can be looked up: {purls}"


def check_relations(document):
    ids = [package.get("SPDXID") for package in document["packages"]] + ["SPDXRef-DOCUMENT"]
    relations = document.get("relationships", [])
    for each in sorted({each for each in ids if ids.count(each) > 1}):
        yield f"{each} is there twice"
    for relation in relations:
        for field in ("spdxElementId", "relatedSpdxElement"):
            if relation.get(field) not in ids:
                yield f"a relationship leads to {relation.get(field)}, which is not there"
        if relation.get("relationshipType") not in RELATIONS:
            yield f"{relation.get('relationshipType')} is no relationship of ours"
    for unused in sorted(set(ids) - {each.get("relatedSpdxElement") for each in relations} - {"SPDXRef-DOCUMENT"}):
        yield f"nothing refers to {unused}"
    if sum(each.get("relationshipType") == "DESCRIBES" for each in relations) != 1:
        yield "it does not describe one package"


def owners(paths):
    """Of each library, as the loader finds it: the packages that have it."""
    names = {}
    for path in paths:
        real = os.path.realpath(path)
        names[path] = {path, real, "/usr" + path, real.removeprefix("/usr")}
    found = subprocess.run(["dpkg-query", "-S", *sorted(set().union(*names.values()))], capture_output=True, text=True,
                           check=False).stdout
    lines = [line.split(": ") for line in found.splitlines()]
    return {path: {package.split(":")[0] for package, name in lines if name in names[path]} for path in paths}


def check_program(document, program):
    """Yields what the program is linked with and the document does not know."""
    name = program.rsplit("/", 1)[-1]
    packages = {each["SPDXID"]: each["name"] for each in document["packages"]}
    listed = {packages.get(each["relatedSpdxElement"]) for each in document["relationships"]
              if packages.get(each["spdxElementId"]) == name and each["relationshipType"] in LINKED}
    dynamic = subprocess.run(["readelf", "--wide", "--dynamic", program], capture_output=True, text=True,
                             check=True).stdout
    loaded = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    paths = dict(re.findall(r"^\s*(\S+) => (/\S+) ", loaded, re.MULTILINE))
    paths.update({path.rsplit("/", 1)[-1]: path for path in re.findall(r"^\s*(/\S+) ", loaded, re.MULTILINE)})
    needed = re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic)
    owned = owners([paths[library] for library in needed])
    for library in needed:
        if not owned[paths[library]] & listed:
            yield f"{name} is linked with {library}, which is of no package that is listed for it"


def check(document, programs):
    yield from check_document(document)
    for package in document.get("packages", []):
        yield from check_package(package)
    if not document.get("packages"):
        yield "there are no packages"
        return
    yield from check_relations(document)
    for program in programs:
        yield from check_program(document, program)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        wrong = list(check(json.load(file), sys.argv[2:]))
    for line in wrong:
        print(f"{sys.argv[1]}: {line}")
    print(f"check_sbom: {len(wrong)} offence(s)")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
