"""Tables of ways to hide a document, made into the files of a corpus folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway import samples

Hide = Callable[[bytes], bytes]
Files = dict[str, Callable[[], bytes]]

ARMED, CLEAN, NOTE = samples.doc_autoopen(), samples.doc(), b"nothing but a note\r\n"


def files(hidings: Mapping[str, Hide], **contents: bytes) -> Files:
    """Each hiding round each content; the names begin with the keywords: ``files(..., armed=ARMED, clean=CLEAN)``."""
    return {
        f"{purpose}-{name}": (lambda hide=hide, content=content: hide(content))  # type: ignore[misc]
        for name, hide in hidings.items()
        for purpose, content in contents.items()
    }
