"""Tar files: every document inside is disarmed and put back, all other blocks stay as they are.

Contract: ``disarm`` keeps the promise of ``parts``. A member that cannot be disarmed is a reason not to disarm the
whole.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.closed_sets import FileType
from gateway.scan import sniff
from gateway.scan.disarm import renaming, tar_blocks
from gateway.scan.disarm.parts import CannotDisarm, Disarmed, NothingToDisarm, Work
from gateway.scan.disarm.tar_blocks import Member
from gateway.scan.unpack import NOTES

TYPES = frozenset({FileType.TAR})

_MEDIA_TYPE = "application/x-tar"


def disarm(content: bytes, name: str, work: Work) -> Disarmed:
    """The tar file with its documents disarmed."""
    archive = tar_blocks.read(content, work.budget)
    removed: dict[str, None] = {}
    members: list[Member] = []
    gone: set[bytes] = set()
    for member in archive.members:
        if member.is_file and sniff.sniff(member.content) in NOTES:
            work.passwords.hear(member.content)  # it may hold the password of its neighbours
    taken = {member.name.lower() for member in archive.members}
    for member in archive.members:
        inner = work.inner(member.content, member.name) if member.is_file else None
        if inner is None:
            members.append(member)
            continue
        new = renaming.free(member.name, inner.name, taken)
        members.append(tar_blocks.replaced(member, new, inner.content))
        removed |= dict.fromkeys(inner.removed)
        gone |= {member.raw_name} if new != member.name else set()
    if members == list(archive.members):
        raise NothingToDisarm(f"{name or 'the tar file'} holds nothing that could be taken out")
    if any(member.link in gone for member in members):
        raise CannotDisarm("the tar file links to a document that has another name now")
    return Disarmed(tar_blocks.written(replace(archive, members=tuple(members))), name, _MEDIA_TYPE, tuple(removed))
