"""One ordinary letter with a document attached, and what becomes of it when a few bytes are written otherwise.

A case is a list of edits, old and new text in turn; in text ``\\n`` is a line end of mail, bytes are taken as they are.
``files`` makes a corpus table of cases: each with a document that runs by itself, and with words in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gateway import samples
from tests.makers.mail import encode, raw

Case = tuple[str | bytes, ...]

TYPE = "Content-Type: multipart/mixed; boundary=foo\n"
CODING = "Content-Transfer-Encoding: base64\n"
FILE = "Content-Type: application/octet-stream; name=a.doc\nContent-Disposition: attachment\n" + CODING
TEXT = "--foo\nContent-Type: text/plain\n\nPlease see the attachment.\n"
LETTER = (
    "From: Ada <ada@example.com>\nTo: bob@example.net\nSubject: Report\nMIME-Version: 1.0\n"
    + (TYPE + "\n" + TEXT)
    + f"--foo\n{FILE}\nCONTENT--foo--\n"
)
WORDS = b"There is nothing here but words, and nobody minds where they stand.\r\n" * 8


def letter(content: bytes, case: Iterable[str | bytes], coding: str = "base64") -> bytes:
    """The letter with ``content`` attached, after the edits of ``case``; each must have something to change."""
    written = raw(LETTER.replace("base64", coding))
    edits = [edit if isinstance(edit, bytes) else raw(edit) for edit in case]
    for old, new in zip(edits[::2], edits[1::2], strict=True):
        assert old in written, f"{old!r} is not in the letter any more"
        written = written.replace(old, new)
    return written.replace(b"CONTENT", encode(content, coding))


def files(
    cases: dict[str, Case], *, held: Iterable[str] = (), noted: Iterable[str] = (), coding: str = "base64"
) -> dict[str, Callable[[], bytes]]:
    """Files of a recipe. Cases in ``held`` and ``noted`` are made with a clean document as well."""
    made: dict[str, Callable[[], bytes]] = {}
    for name, case in cases.items():
        contents = {"armed": samples.doc_autoopen(), "clean": WORDS}
        contents |= {word: samples.doc() for word, names in (("held", held), ("noted", noted)) if name in names}
        for word, content in contents.items():
            made[f"{name}-{word}.eml"] = lambda content=content, case=case: letter(content, case, coding)
    return made
