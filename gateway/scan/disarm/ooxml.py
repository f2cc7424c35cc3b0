"""Word, Excel and PowerPoint documents since 2007, without what runs in them.

Contract: keeps the promise of ``parts``. Each step takes out one sort of thing and mends what referred to it; every
part that no step had to touch keeps its bytes. What is left is judged by the scan, as for every disarmer.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.scan.disarm import ooxml_calls, ooxml_fields, ooxml_macros, ooxml_objects, ooxml_sheets, ooxml_types
from gateway.scan.disarm.ooxml_parts import Parts
from gateway.scan.disarm.parts import CannotDisarm, Disarmed, Work
from gateway.scan.documents import ooxml

TYPES = ooxml.TYPES

_STEPS: tuple[Callable[[Parts], None], ...] = (
    ooxml_macros.take_out,
    ooxml_objects.take_out,
    ooxml_fields.take_out,
    ooxml_sheets.take_out,
    ooxml_calls.take_out,
    ooxml_objects.mend,
)


def disarm(content: bytes, name: str, work: Work) -> Disarmed:
    """The document without its macros, controls, fields and links that act by themselves."""
    parts = Parts(content, work)
    kind = parts.kind
    for step in _STEPS:
        step(parts)
    if not parts.removed:
        raise CannotDisarm("nothing was found in the document that can be taken out")
    return Disarmed(parts.packed(), ooxml_types.named(name, kind), kind.media_type, tuple(parts.removed))
