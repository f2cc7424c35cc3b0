"""A name for macro code that stays the same whatever file the code lies in.

Contract: ``fingerprint`` gives the hex SHA-256 of the normalised code of a project, and "" where there is none. It is
for two uses: to see a campaign in many files, and to let an administrator except a macro he knows. The second decides
what may differ: nothing that can change what the code does. So comments, attributes, blank lines, white space,
continuations, line numbers, the case of names and the names and order of the modules are left out, while strings and
numbers are kept as they are. The caller gives no name to a project that could not be read whole, because what else it
does is not known.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from gateway.scan.documents.vba_source import SPACE, without_attributes, without_comments

_STRING = re.compile(r'("[^"\n]*"?)')
_SPACES = re.compile(rf"{SPACE}+")
_BETWEEN_SIGNS = re.compile(r"(?<!\w) | (?!\w)")
_LINE_NUMBER = re.compile(r"^\d+ ?(?=[^\d ]|$)", re.MULTILINE)


def fingerprint(sources: Iterable[str]) -> str:
    """The name of the code in the modules of a project, given as their sources with LF line ends."""
    modules = sorted(text for source in sources if (text := normalised(source)))
    return hashlib.sha256("\n\n".join(modules).encode("utf-8", "replace")).hexdigest() if modules else ""


def normalised(source: str) -> str:
    """The code of one module without what changes from file to file."""
    pieces = _STRING.split(without_comments(without_attributes(source)))
    # every other piece is a string
    pieces[::2] = [_BETWEEN_SIGNS.sub("", _SPACES.sub(" ", piece)).lower() for piece in pieces[::2]]
    return "\n".join(line for line in _LINE_NUMBER.sub("", "".join(pieces)).split("\n") if line)
