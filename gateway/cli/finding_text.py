"""How one finding looks to a person: what, why, the lines of macro, what the code would fetch.

Contract: pure text, one line a string, every string from outside printable and bounded once more. Addresses are
defanged, so that neither a terminal nor a mail program makes a link of them; ``--json`` has them as they are.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

from gateway.message import Finding, clip

EXCERPT_LINES = 12
WIDTH = 110

_SCHEMES = {"http": "hxxp", "https": "hxxps", "ftp": "fxp"}
_SCHEME = re.compile(rf"\b(?:{'|'.join(_SCHEMES)})(?=:)", re.IGNORECASE)
_HOST = re.compile(r"(?<=//)[^/\s\"'\\]+|(?<=\\\\)[^\\\s\"']+")


def lines(finding: Finding, *, label: str = "") -> Iterator[str]:
    """The finding below the path of its part; ``label`` stands before the kind."""
    head = f"{label}{finding.kind.value}"
    reference = f" [{finding.reference}]" if finding.reference else ""
    yield from _wrapped(f"  {head:<15} ", clip(defanged(finding.detail), 600) + clip(reference, 210))
    yield from excerpt(finding)
    for number, text in enumerate(finding.indicators):
        yield f"  {'' if number else 'holds':<15} {clip(defanged(text), 400)}"
    if finding.fingerprint:
        yield f"  {'code':<15} {clip(finding.fingerprint, 64)}"


def excerpt(finding: Finding) -> Iterator[str]:
    """The first lines of the macro, and how many there are more."""
    code = [clip(line.expandtabs(4), 160) for line in finding.excerpt.splitlines()]
    yield from (f"      | {line}" for line in code[:EXCERPT_LINES])
    if len(code) > EXCERPT_LINES:
        yield f"      | ... {len(code) - EXCERPT_LINES} lines more (--json has them)"


def defanged(text: str) -> str:
    """``http://example.com/a`` as ``hxxp://example[.]com/a``; nothing else of ``text`` changes."""
    text = _SCHEME.sub(lambda found: _SCHEMES[found[0].lower()], text)
    return _HOST.sub(lambda found: found[0].replace(".", "[.]"), text)


def _wrapped(first: str, text: str) -> Iterator[str]:
    found = textwrap.wrap(text, WIDTH - len(first), break_on_hyphens=False) or [""]
    yield first + found[0]
    yield from (" " * len(first) + line for line in found[1:])
