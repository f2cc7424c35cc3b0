"""Tar files with documents in them: one member is another one, and no other block changes."""

from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.scan import Limits
from gateway.scan.budget import Budget
from gateway.scan.disarm import CannotDisarm, tar_blocks
from tests.makers import archives
from tests.makers.looks import SHORTCUT
from tests.unit.scan.disarm import stand_in
from tests.unit.scan.disarm.stand_in import ARMED, QUIET, run

NOTE = b"Here are the minutes. " * 30
FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
LONG = "a folder with a name of some length/" * 3


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in.use(monkeypatch)


def made(form: int, files: dict[str, bytes], links: dict[str, str] | None = None) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime, entry.mode = len(content), 1700000000, 0o640
            archive.addfile(entry, io.BytesIO(content))
        for name, target in (links or {}).items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.LNKTYPE, target
            archive.addfile(entry)
    return file.getvalue()


def members(data: bytes) -> dict[str, tuple[bytes, int, int]]:
    found = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for entry in archive:
            content = archive.extractfile(entry)
            assert content is not None
            found[entry.name] = (content.read(), int(entry.mtime), entry.mode)
    return found


@pytest.mark.parametrize("folder", ["", "papers/", LONG], ids=["none", "short", "long"])
@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
def test_a_document_is_replaced_and_no_other_block(form: int, folder: str) -> None:
    data = made(form, {"a.txt": NOTE, f"{folder}x.docm": ARMED, "b.txt": NOTE})
    result = run(data, "a.tar").content
    known = (1700000000, 0o640)
    assert members(result) == {"a.txt": (NOTE, *known), f"{folder}x.docx": (QUIET, *known), "b.txt": (NOTE, *known)}
    first, last = data[:1536], data[data.index(b"b.txt\0") :]
    assert result.startswith(first)
    assert result.endswith(last)


def test_a_tar_file_from_before_posix() -> None:
    data = bytearray(made(tarfile.USTAR_FORMAT, {"x.docm": ARMED}))
    data[257:265] = bytes(8)
    data[148:156] = b"%06o\0 " % (sum(data[:148]) + 8 * 0x20 + sum(data[156:512]))
    assert list(members(run(bytes(data), "a.tar").content)) == ["x.docx"]


PLAIN = made(tarfile.USTAR_FORMAT, {"x.docm": ARMED})
BROKEN = bytearray(PLAIN)
BROKEN[130] = ord("7")
REFUSED = {
    "something behind the end": (PLAIN + b"x" * 512, "behind its end"),
    "cut off": (PLAIN[:2048], "cut off"),
    "a shortcut beside it": (made(tarfile.USTAR_FORMAT, {"x.docm": ARMED, "a.lnk": SHORTCUT}), "of the type lnk"),
    "a link to it": (made(tarfile.USTAR_FORMAT, {"x.docm": ARMED}, {"y.docm": "x.docm"}), "links to a document"),
    "a program": (archives.tar("x.exe", b"MZ" + bytes(100)), "of the type executable"),
    "a size that is wrong": (bytes(BROKEN), "checksum"),
}


@pytest.mark.parametrize(("data", "why"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_certain_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(CannotDisarm, match=why):
        run(data, "a.tar")


SEEDS = [made(form, {f"{LONG}n.txt": b"note", "x.bin": b"y" * 90}) for form in FORMATS.values()]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_whatever_the_bytes_the_members_are_whole_or_refused(data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(0, 3))):
        content[data.draw(st.integers(0, 3000))] = data.draw(st.integers(0, 255))
    cut = bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        archive = tar_blocks.read(cut, Budget(Limits()))
    except CannotDisarm:
        return
    assert tar_blocks.written(archive) == cut
