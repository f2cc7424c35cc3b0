"""What runs by itself in the main stream of a presentation before 2007 (MS-PPT), made inert where it stands.

Contract: ``disarm`` gives a stream of the same length. A macro project in it becomes zeros nobody asks for, a
document in it is disarmed and stays where it was, and a shape that ran a macro or a program does nothing any more.
Raises ``CannotDisarm`` and ``OverLimit``.
"""

from __future__ import annotations

import struct
import zlib

from gateway.closed_sets import FileType
from gateway.scan import sniff
from gateway.scan.disarm.inspection import Inspection
from gateway.scan.disarm.parts import CannotDisarm, Work
from gateway.scan.documents import powerpoint97

MACROS = "its macros"
PROGRAMS = "a shape that starts a program"
OBJECT = "an object that could run something"

_BLOB = 0x138B
"""BinaryTagDataBlob (MS-PPT), bytes that only an add-in would understand: takes the place of an object that is gone, as
a reader that opens every object finds fault with an empty one."""
_HEAD = struct.Struct("<HHI")
_INFO = b"\x02\x00\x00\x04\x0c\x00\x00\x00"
"""The head of a VBAInfoAtom (2.4.11): which object is the macro project, whether there is one, its version."""
_NO_ACTION = 0


class Presentation:
    """The stream ``PowerPoint Document`` being changed."""

    def __init__(self, stream: bytes, work: Work) -> None:
        self.stream = bytearray(stream)
        self._original, self._work = stream, work

    def disarm(self) -> list[str]:
        """Change what acts."""
        removed: list[str] = []
        for place in powerpoint97.places(self._original, Inspection(self._work)):
            removed += self._object(place)
        macros = MACROS in removed
        if macros:
            self._forget_project()
        removed += self._actions(macros=macros)
        return removed

    def _object(self, place: powerpoint97.Place) -> list[str]:
        content = place.content
        if content is None:
            raise CannotDisarm("An object of the presentation is damaged")
        if sniff.sniff(content) is FileType.VBA_PROJECT:
            self._put(place, None)
            return [MACROS]
        try:
            changed = self._work.inner(content, "object")
        except CannotDisarm:
            self._put(place, None)
            return [OBJECT]
        if changed is None:
            return []
        return list(changed.removed) if self._put(place, changed.content) else [OBJECT]

    def _put(self, place: powerpoint97.Place, content: bytes | None) -> bool:
        """Another content for the object, or none: then zeros are in its place, and its picture is still shown."""
        start, end = place.at + _HEAD.size, place.at + _HEAD.size + place.size
        packed = b"" if content is None else content
        if content is not None and place.compressed:
            packed = struct.pack("<I", len(content)) + zlib.compress(content, 9)
        fits = content is not None and len(packed) <= place.size and (place.compressed or len(packed) == place.size)
        if not fits:
            packed = b""
            _HEAD.pack_into(self.stream, place.at, 0, _BLOB, place.size)
        self.stream[start:end] = packed.ljust(end - start, b"\0")
        return fits

    def _forget_project(self) -> None:
        at = self._original.find(_INFO)
        while at >= 0:
            self._work.budget.check_time()
            end = at + len(_INFO) + 8
            if end <= len(self.stream):
                self.stream[at + len(_INFO) : end] = bytes(8)
            at = self._original.find(_INFO, at + 1)

    def _actions(self, *, macros: bool) -> list[str]:
        programs = False
        for place in powerpoint97.action_places(self._original, Inspection(self._work)):
            action = self._original[place]
            if action == powerpoint97.PROGRAM or (macros and action == powerpoint97.MACRO):
                self.stream[place] = _NO_ACTION
                programs = programs or action == powerpoint97.PROGRAM
        return [PROGRAMS] if programs else []
