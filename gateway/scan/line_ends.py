"""Documents whose line ends were changed on the way, as programs do that take them for text.

Contract: ``repaired`` undoes what gave every line feed a carriage return; of any other content a few bytes are looked
at and None is the answer. What replaced or removed bytes cannot be undone: such a document is damaged and told by
whoever reads it. Never raises.
"""

from __future__ import annotations

from gateway.scan import ole_directory

_BEGINNINGS = (ole_directory.MAGIC, b"PK\x03\x04")
"""None of these holds a line end, so they are still there."""
_LEAST = 2
"""Line feeds; one behind a carriage return may be there by chance."""


def repaired(content: bytes) -> bytes | None:
    """The document as it was, when each line feed of ``content`` has a carriage return before it."""
    if not content.startswith(_BEGINNINGS):
        return None
    first = content.find(b"\n")
    if first < 0 or content[first - 1 : first] != b"\r":
        return None  # so ends the look at nearly every document
    count = content.count(b"\n")
    if count < _LEAST or content.count(b"\r\n") != count:
        return None
    return content.replace(b"\r\n", b"\n")
