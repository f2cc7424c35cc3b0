"""Writes what Macrogate is made of: ``deploy/sbom/macrogate.cdx.json`` (CycloneDX 1.5) and ``docs/licences.md``.

``make.py --report FILE`` first takes the digests of what pip would install from its report (``pip install --dry-run
--ignore-installed --report FILE``) into ``digests.txt``; ``make sbom`` does both.

Contract: what is listed is what ``pip install -c constraints.txt '.[jail,fast]'`` brings to a Linux machine with Python
3.11: the versions from ``constraints.txt``, names, needs and licences from the metadata of the installed packages. The
same input gives the same bytes: no date, no random number. ``--check`` writes nothing and ends with 1 if a file is old.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
SBOM = ROOT / "deploy" / "sbom" / "macrogate.cdx.json"
DIGESTS = SBOM.with_name("digests.txt")
PAGE = ROOT / "docs" / "licences.md"
EXTRAS = ("jail", "fast")
MARKERS = {
    "python_version": "3.11",
    "python_full_version": "3.11.0",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
    "os_name": "posix",
}

HOW_USED = {
    "pcodedmp": "Not used. oletools names it as a dependency and loads it only to disassemble p-code, which is never "
    "asked for; Macrogate works the same after `pip uninstall pcodedmp`.",
    "oletools": "Its parser of VBA projects is used, unchanged, as a library. In its folder `thirdparty` it brings the "
    "program `xxxswf` (GNU General Public License v3), which only its command `pyxswf` loads and Macrogate never does.",
    "publicsuffixlist": "Unchanged, as a library: the list of public suffixes is under the MPL too.",
}
"""What to say about a licence, or a part under another one, that asks something of whoever passes the program on."""

INTRODUCTION = """\
# Licences

<!-- made by: python deploy/sbom/make.py -->

Macrogate is under the Apache License 2.0. It installs the packages below, unchanged, from their publishers; none is
copied into its source. `deploy/sbom/macrogate.cdx.json` is the same list for programs (CycloneDX). Versions are those
of `constraints.txt`, licences those the packages declare.

| package | version | licence |
|---|---|---|
"""

AFTER = """
## Licences with conditions of their own

{conditions}

libarchive (BSD), libseccomp (LGPL-2.1) and the Python interpreter (PSF) come from the operating system. Tests,
benchmarks and fuzzing use more packages, which no installation has: see the extras in `pyproject.toml`. pebble (LGPL)
is not used: the pool of workers is Macrogate's own. dkimpy declares "DFSG approved"; its text is the zlib licence.

The Debian package of `make deb` contains these packages without pcodedmp and xxxswf, so nothing in it is under the GPL;
every other file of a library is the one of its wheel. Its copyright file has the text of every licence. yara-x declares
"BSD License", its wheel brings no text.
"""

_COPYLEFT = re.compile(r"GPL|General Public|MPL|Mozilla", re.IGNORECASE)


def pins() -> dict[str, str]:
    """Name → version of ``constraints.txt``."""
    lines = (ROOT / "constraints.txt").read_text().split()
    return {
        canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines) if version
    }


def digests() -> dict[str, tuple[str, str]]:
    """``name==version`` → file and SHA-256 of ``digests.txt``."""
    lines = (line.split() for line in DIGESTS.read_text().splitlines() if not line.startswith("#"))
    return {package: (file, digest) for package, file, digest in lines}


def take(report: Path) -> None:
    """Write ``digests.txt`` from a report of pip's (its format: "Installation Report" in pip's documentation)."""
    lines = []
    for item in json.loads(report.read_text())["install"]:
        come = item["download_info"]
        if "archive_info" in come:  # else it is this checkout
            package = f"{canonicalize_name(item['metadata']['name'])}=={item['metadata']['version']}"
            lines.append(f"{package} {come['url'].rpartition('/')[2]} {come['archive_info']['hashes']['sha256']}\n")
    head = "# What pip installs on Linux, x86-64, with Python 3.11: package, file, its SHA-256. Made by: make sbom\n"
    DIGESTS.write_text(head + "".join(sorted(lines)))


def needed() -> list[str]:
    """The names of everything an installation has, in order."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    first = [*project["dependencies"], *(need for extra in EXTRAS for need in project["optional-dependencies"][extra])]
    waiting = [(Requirement(text), "") for text in first]
    found: set[str] = set()
    asked: set[tuple[str, str]] = set()
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker is not None and not requirement.marker.evaluate({**MARKERS, "extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        found.add(name)
        for wanted in ("", *sorted(requirement.extras)):
            if (name, wanted) not in asked:
                asked.add((name, wanted))
                waiting += [(Requirement(text), wanted) for text in metadata.requires(name) or ()]
    return sorted(found)


def licence(name: str) -> str:
    """What the package declares: an SPDX expression, its classifiers, or a short licence field, in this order."""
    about = metadata.metadata(name)
    if expression := about.get("License-Expression"):
        return str(expression)
    classifiers = [
        line.rpartition(" :: ")[2]
        for line in about.get_all("Classifier") or ()
        if line.startswith("License ::") and line != "License :: OSI Approved"
    ]
    field = (about.get("License") or "").strip()
    if classifiers:
        return ", ".join(sorted(classifiers))
    return field.splitlines()[0] if field and len(field.splitlines()[0]) < 60 else "not declared"


def bill(names: list[str], versions: dict[str, str]) -> dict[str, Any]:
    """The CycloneDX document."""
    version = re.search(r'^__version__ = "(.+)"', (ROOT / "gateway/__init__.py").read_text(), re.MULTILINE)
    assert version is not None
    taken = {name: digests()[f"{name}=={versions[name]}"] for name in names}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "macrogate",
                "name": "macrogate",
                "version": version[1],
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            }
        },
        "components": [
            {
                "type": "library",
                "bom-ref": f"pkg:pypi/{name}@{versions[name]}",
                "name": name,
                "version": versions[name],
                "purl": f"pkg:pypi/{name}@{versions[name]}",
                "licenses": [{"license": {"name": licence(name)}}],
                "hashes": [{"alg": "SHA-256", "content": taken[name][1]}],
                "properties": [{"name": "macrogate:file", "value": taken[name][0]}],
            }
            for name in names
        ],
    }


def page(names: list[str], versions: dict[str, str]) -> str:
    """``docs/licences.md``."""
    rows = "".join(f"| {name} | {versions[name]} | {licence(name)} |\n" for name in names)
    conditions = [name for name in names if name in HOW_USED or _COPYLEFT.search(licence(name))]
    told = "\n".join(f"* **{name}** ({licence(name)}): {HOW_USED[name]}" for name in conditions)
    return INTRODUCTION + rows + AFTER.format(conditions=told)


def files() -> dict[Path, str]:
    """Path → what has to stand in it."""
    names, versions = needed(), pins()
    return {SBOM: json.dumps(bill(names, versions), indent=2) + "\n", PAGE: page(names, versions)}


def main() -> int:
    """Write the files, or with ``--check`` say which are old."""
    if "--report" in sys.argv:
        take(Path(sys.argv[sys.argv.index("--report") + 1]))
    old = [path for path, text in files().items() if not path.exists() or path.read_text() != text]
    for path in old:
        if "--check" in sys.argv:
            sys.stderr.write(f"{path.relative_to(ROOT)} is not what is installed: run `make sbom`\n")
        else:
            path.write_text(files()[path])
    return 1 if old and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
