"""Taking a part out of a message: a splice of bytes, never a new message.

Contract: ``rewrite`` returns edits that put a notice in the place of each target part and leave every other byte as it
was. What cannot be replaced without doubt raises ``RewriteFailed`` with a sentence, and so does a result that,
examined once more, still shows something where the part was; the caller then holds the message. Nothing inside a
signature or an encoded message is touched, because that would need a new one.
"""

from __future__ import annotations

import base64
import itertools
import mmap
from collections.abc import Iterable, Iterator

from gateway.message import Edits, Report, Span, Splice, Verdict, clip
from gateway.scan import mime
from gateway.scan.budget import Budget, Limits, OverLimit
from gateway.scan.headers import Bytes, decode_words
from gateway.scan.mime import Entity
from gateway.scan.triggers import ScanRules

NOTICE = """\
The attachment {name} was removed from this message by the mail gateway.

Reason: {why}

The original message is kept as {held_id}. If you need it and trust its sender, please contact
{contact} and name that number.
"""

SEALED = frozenset({"multipart/signed", "multipart/encrypted"})
"""Multiparts whose parts belong to a signature (RFC 1847); changing one makes the signature wrong."""


class RewriteFailed(Exception):
    """The part cannot be replaced. The message is a sentence for a person."""


def rewrite(
    data: bytes | mmap.mmap | memoryview,
    report_targets: tuple[str, ...],
    *,
    why: str,
    held_id: str,
    contact: str,
    strip: bool,
    subject_prefix: str,
    rules: ScanRules,
    limits: Limits,
) -> Edits:
    """Replace the parts numbered in ``report_targets`` if ``strip``, and put ``subject_prefix`` before the subject.

    Raises ``RewriteFailed`` and nothing else.
    """
    content = bytes(data) if isinstance(data, memoryview) else data
    try:
        tree = mime.parse(content, Budget(limits))
    except OverLimit as limit:
        raise RewriteFailed(f"the message {limit}") from limit
    splices: list[Splice] = []
    if strip:
        for target in dict.fromkeys(report_targets):
            splices += _replacement(content, tree, target, why, held_id, contact)
    if subject_prefix:
        splices += _subject(content, tree, subject_prefix)
    edits = Edits(_in_order(splices))
    if strip:
        _check(_examined(content, edits, rules, limits), report_targets)
    return edits


def apply(data: Bytes, edits: Edits) -> bytes:
    """The message as it is after ``edits``."""
    pieces = []
    position = 0
    for splice in edits.splices:
        pieces += [data[position : splice.span.start], splice.replacement]
        position = splice.span.end
    return b"".join((*pieces, data[position : len(data)]))


def _replacement(data: Bytes, tree: Entity, target: str, why: str, held_id: str, contact: str) -> Iterator[Splice]:
    path = next(_paths(tree, target), None)
    if path is None:
        raise RewriteFailed(f"there is no part {target} that could be replaced")
    for above in path[:-1]:
        if above.type in SEALED:
            raise RewriteFailed(f"part {target} is inside a {above.type}")
    if any(doubt.verdict is not Verdict.CLEAN for entity in path[:-1] for doubt in entity.doubts):
        raise RewriteFailed(f"mail programs may disagree about what part {target} is")
    part = path[-1]
    fields, body = _notice(part.name, why, held_id, contact)
    if len(path) == 1:
        return _whole_message(data, part, fields, body)
    return iter([Splice(Span(part.header.start, part.body.end), fields + b"\r\n" + body)])


def _paths(entity: Entity, number: str, above: tuple[Entity, ...] = ()) -> Iterator[tuple[Entity, ...]]:
    """From the root to each entity of that number."""
    path = (*above, entity)
    if entity.number == number:
        yield path
    for child in entity.children:
        yield from _paths(child, number, path)


def _whole_message(data: Bytes, message: Entity, fields: bytes, body: bytes) -> Iterator[Splice]:
    """The only part of a message: its content fields and its body change, all other fields stay."""
    if message.header.end in {message.block.body, message.header.start}:
        raise RewriteFailed("the message has no header that ends")
    described = [field for field in message.block.fields if field.name.startswith("content-")]
    if not message.block.all("mime-version"):
        fields = b"MIME-Version: 1.0\r\n" + fields
    if not described:
        yield Splice(Span(message.header.end, message.header.end), fields)
    for number, field in enumerate(described):
        yield Splice(field.span, fields if number == 0 else b"")
    yield Splice(Span(message.block.body, len(data)), body)


def _notice(name: str, why: str, held_id: str, contact: str) -> tuple[bytes, bytes]:
    """Header fields and body of the notice. Base64, so that no name in it can pass for a boundary."""
    shown = f'"{clip(name, 200)}"' if name else "without a name"
    text = NOTICE.format(name=shown, why=clip(why, 300), held_id=held_id, contact=contact or "your mail administrator")
    fields = (
        b"Content-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: base64\r\n"
        b"Content-Disposition: inline\r\n"
    )
    return fields, base64.encodebytes(text.replace("\n", "\r\n").encode("utf-8", "replace")).replace(b"\n", b"\r\n")


def _subject(data: Bytes, tree: Entity, prefix: str) -> Iterator[Splice]:
    """The prefix behind the name of every Subject field, or a Subject of its own."""
    shown = clip(prefix.strip(), 60)
    word = _encoded(shown)
    subjects = [field for field in tree.block.fields if field.name == "subject"]
    if not subjects:
        yield Splice(Span(0, 0), b"Subject: " + word + b"\r\n")
    for field in subjects:
        if decode_words(field.value).startswith(shown):
            continue
        at = data.find(b":", field.span.start, field.span.end) + 1
        following = data[at : at + 1]
        if following in (b" ", b"\t"):
            yield Splice(Span(at + 1, at + 1), word + b" ")
        else:
            yield Splice(Span(at, at), b" " + word + (b"" if following in (b"\r", b"\n", b"") else b" "))


def _encoded(text: str) -> bytes:
    """Plain, or as an encoded word (RFC 2047 §2). A blank inside keeps it apart from an encoded word that follows."""
    if text.isascii():
        return text.encode("ascii")
    return b"=?utf-8?B?" + base64.b64encode(f"{text[:14]} ".encode()) + b"?="


def _in_order(splices: Iterable[Splice]) -> tuple[Splice, ...]:
    """By position. Raises ``RewriteFailed`` when one part to be replaced is inside another."""
    ordered = tuple(sorted(splices, key=lambda splice: (splice.span.start, splice.span.end)))
    for before, after in itertools.pairwise(ordered):
        if after.span.start < before.span.end:
            raise RewriteFailed("two parts to be replaced overlap")
    return ordered


def _examined(data: Bytes, edits: Edits, rules: ScanRules, limits: Limits) -> Report:
    from gateway.scan import examine

    return examine(apply(data, edits), rules=rules, limits=limits)


def _check(report: Report, targets: tuple[str, ...]) -> None:
    """Whether anything is left where the targets were, or could not be seen any more."""
    for finding in report.findings:
        number = finding.where.partition("/")[0]
        inside = any(number == target or number.startswith(f"{target}.") for target in targets)
        if finding.verdict is not Verdict.CLEAN and (inside or number == "message"):
            raise RewriteFailed(f"the changed message still shows: {finding.detail}")
