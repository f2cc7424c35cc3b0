"""Writes the copyright file of the Debian package to standard output (DEP-5): ours, then one stanza for each library.

Contract: called with a folder of installed packages. Each is listed with its files, whoever its licence files say it
belongs to, and their text; a licence that Debian has in /usr/share/common-licenses is named and not repeated.
"""

from __future__ import annotations

import re
import sys
from importlib import metadata
from pathlib import Path

HEAD = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: macrogate
Comment: The libraries are as their publishers built them, without their documentation. docs/licences.md lists them and
 says what their licences ask for.

Files: *
Copyright: 2026 The Macrogate authors
License: Apache-2.0
 On Debian systems, the full text of the Apache License 2.0 is in
 /usr/share/common-licenses/Apache-2.0.
"""

COMMON = {
    "Apache-2.0": re.compile(r"Apache License.*TERMS AND CONDITIONS"),
    "MPL-2.0": re.compile(r"Mozilla Public License,? version 2\.0.*Definitions", re.IGNORECASE),
    "CC0-1.0": re.compile(r"CC0 1\.0 Universal.*Statement of Purpose"),
}
"""Name in /usr/share/common-licenses → what is in its full text and in no mere mention of it, in one line."""

_LICENCE_FILE = re.compile(r"(licen[cs]e|copying|notice)[^/]*$", re.IGNORECASE)
_NOTICE = re.compile(r"^\W*((?:copyright|©|\(c\)).*\d{4}.*)$", re.IGNORECASE | re.MULTILINE)


def body(text: str) -> str:
    """``text`` as the lines below a field."""
    lines = [line.rstrip() for line in text.strip().splitlines()]
    return "".join(f" {line or '.'}\n" for line in lines)


def texts(package: metadata.Distribution) -> list[str]:
    """Its licence files, each of Debian's common ones as a reference to it."""
    found = []
    for path in sorted(package.files or (), key=str):
        if _LICENCE_FILE.search(str(path)) and path.suffix not in {".py", ".pyc", ".so"}:
            text = Path(str(path.locate())).read_text("utf-8", "replace").replace("\t", "    ")
            for name, whole in COMMON.items():
                if whole.search(" ".join(text.split())):
                    notices = "\n".join(_NOTICE.findall(text))
                    text = f"{notices}\nThe full text is in /usr/share/common-licenses/{name}."
            if text not in found:
                found.append(text)
    return found


def stanza(package: metadata.Distribution, folder: str) -> str:
    """What is to be said of one library."""
    name = re.sub(r"[^A-Za-z0-9.-]", "-", package.name)
    tops = sorted({path.parts[0] for path in package.files or () if path.parts[0] not in {"..", "__pycache__"}})
    about = package.metadata
    said = texts(package)
    owners = list(dict.fromkeys(notice.strip() for text in said for notice in _NOTICE.findall(text)))
    author = about.get("Author") or about.get("Author-email") or f"the authors of {package.name}"
    declared = about.get("License-Expression") or next(
        (line.rpartition(" :: ")[2] for line in about.get_all("Classifier") or () if line.startswith("License")), ""
    )
    text = "\n\n".join(said) or f"It declares {declared or 'no licence'!r} and brings no text."
    files = "\n ".join(f"{folder}/{top}{'' if '.' in top and 'info' not in top else '/*'}" for top in tops)
    return f"\nFiles: {files}\nCopyright: {body(chr(10).join(owners) or author).strip()}\nLicense: {name}\n{body(text)}"


def main() -> None:
    """The whole file."""
    site = Path(sys.argv[1])
    folder = str(site)[str(site).index("usr/lib/macrogate") :]
    packages = sorted(metadata.distributions(path=[str(site)]), key=lambda package: package.name.lower())
    sys.stdout.write(HEAD + "".join(stanza(each, folder) for each in packages if each.name != "macrogate"))


if __name__ == "__main__":
    main()
