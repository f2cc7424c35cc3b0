"""A mailbox in one file (mbox, RFC 4155): every message in it.

Contract: each message is handed on, from one separator line to the next. Where a separator may stand inside a part of
one message, because a part of the first one is encoded or divided around it, the file is also read as that one message.
Raises ``OverLimit``.
"""

from __future__ import annotations

import itertools

from gateway.closed_sets import FileType
from gateway.scan import mime
from gateway.scan.containers import mail
from gateway.scan.look import Blob, Look
from gateway.scan.mime import IDENTITY, Entity
from gateway.scan.sniff import SEPARATOR

TYPES = frozenset({FileType.MBOX})


def unpack(blob: Blob, look: Look) -> None:
    """Hand on every message."""
    data = bytes(blob.data)
    starts = [found.start() for found in SEPARATOR.finditer(data)]
    for number, (start, end) in enumerate(itertools.pairwise([*starts, len(data)]), 1):
        look.budget.check_time()
        look.descend(blob, data[start:end], f"message {number}")
    tree = mime.parse(data, look.budget)
    if any(_may_hold(entity, starts[1:], alone=entity is tree) for entity in tree.walk()):
        mail.examine_tree(data, tree, blob, look)


def _may_hold(entity: Entity, starts: list[int], *, alone: bool) -> bool:
    """Whether a separator stands in a part, unless it is the text the first message consists of ``alone``."""
    if entity.children or not any(entity.body.start < start < entity.body.end for start in starts):
        return False
    return not alone or any(coding not in IDENTITY for coding in entity.codings)
