"""Office Open XML packages from nothing (ECMA-376 part 2), small enough to read.

Contract: ``package`` takes the parts and writes the zip file, the same bytes each time.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MICROSOFT = "http://schemas.microsoft.com/office/2006/relationships"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"


def package(parts: Mapping[str, bytes | str]) -> bytes:
    """A zip file with these parts in this order."""
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            member = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, content)
    return result.getvalue()


def parts_of(content: bytes) -> dict[str, bytes]:
    """The parts of a package, to be changed and packed again."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def content_types(overrides: Mapping[str, str], defaults: Mapping[str, str] | None = None) -> str:
    """``[Content_Types].xml``."""
    usual = {"rels": "application/vnd.openxmlformats-package.relationships+xml", "xml": "application/xml"}
    lines = [
        f'<Default Extension="{end}" ContentType="{kind}"/>' for end, kind in {**usual, **(defaults or {})}.items()
    ]
    lines += [f'<Override PartName="{part}" ContentType="{kind}"/>' for part, kind in overrides.items()]
    return f'{_HEAD}<Types xmlns="{_TYPES}">{"".join(lines)}</Types>'


def relations(*targets: tuple[str, str], external: bool = False) -> str:
    """A ``.rels`` part: relationships rId1, rId2 ... as (type, target)."""
    mode = ' TargetMode="External"' if external else ""
    lines = [
        f'<Relationship Id="rId{number}" Type="{kind}" Target="{target}"{mode}/>'
        for number, (kind, target) in enumerate(targets, 1)
    ]
    return f'{_HEAD}<Relationships xmlns="{_RELATIONS}">{"".join(lines)}</Relationships>'


def xml(body: str) -> str:
    """``body`` with the XML declaration Office writes."""
    return _HEAD + body
