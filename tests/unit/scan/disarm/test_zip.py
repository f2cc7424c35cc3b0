"""Zip files with documents in them: one member is another one, and nothing else is."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.closed_sets import Verdict
from gateway.scan import Limits, examine
from gateway.scan.budget import Budget
from gateway.scan.disarm import CannotDisarm, zip_rewrite
from tests.makers import locks
from tests.makers.looks import RULES, SHORTCUT
from tests.makers.zips import Item, build, deflate, extra
from tests.unit.scan.disarm import stand_in
from tests.unit.scan.disarm.stand_in import ARMED, QUIET, run

NOTE = b"Here are the minutes. " * 30
STAMP = extra(0x5455, b"\x03" + bytes(8))


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in.use(monkeypatch)


def names_and_contents(data: bytes, password: bytes | None = None) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert password or archive.testzip() is None
        return {name: archive.read(name, password) for name in archive.namelist()}


def raw(data: bytes, name: str) -> bytes:
    """A member from its local header to the end of its data."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        info = archive.getinfo(name)
    names, extras = struct.unpack_from("<2H", data, info.header_offset + 26)
    return data[info.header_offset : info.header_offset + 30 + names + extras + info.compress_size]


def test_a_document_is_replaced_and_its_neighbours_are_the_same_bytes() -> None:
    items = [
        Item("notes/a.txt", NOTE, extra=STAMP, time=0x7A31),
        Item("notes/Invoice.docm", ARMED, extra=STAMP, time=0x5A31),
        Item("b.txt", NOTE, method=0),
    ]
    data = build(items, comment=b"for you")
    result = run(data, "mail.zip")
    assert (result.name, result.media_type, result.removed) == ("mail.zip", "application/zip", ("its macros",))
    assert names_and_contents(result.content) == {"notes/a.txt": NOTE, "notes/Invoice.docx": QUIET, "b.txt": NOTE}
    for name in ("notes/a.txt", "b.txt"):
        assert raw(result.content, name) == raw(data, name)
    with zipfile.ZipFile(io.BytesIO(data)) as before, zipfile.ZipFile(io.BytesIO(result.content)) as after:
        assert after.comment == before.comment
        old, new = before.getinfo("notes/Invoice.docm"), after.getinfo("notes/Invoice.docx")
        assert (new.date_time, new.extra, new.external_attr) == (old.date_time, old.extra, old.external_attr)
    assert len(result.content) <= len(data) * 1.01


def test_a_zip_file_in_a_zip_file() -> None:
    data = build([Item("inner.zip", build([Item("x.docm", ARMED), Item("n.txt", NOTE)])), Item("n.txt", NOTE)])
    outer = names_and_contents(run(data, "outer.zip").content)
    assert names_and_contents(outer["inner.zip"]) == {"x.docx": QUIET, "n.txt": NOTE}


def test_sizes_behind_the_data_go_with_the_member_they_are_about() -> None:
    def streamed(name: str, content: bytes) -> Item:
        sizes = (zlib.crc32(content), len(deflate(content)), len(content))
        return Item(
            name,
            content,
            flags=8,
            local={"crc": 0, "packed": 0, "size": 0},
            behind=b"PK\x07\x08" + struct.pack("<3I", *sizes),
        )

    data = build([streamed("n.txt", NOTE), streamed("x.docm", ARMED), streamed("m.txt", NOTE)])
    result = run(data, "a.zip").content
    assert names_and_contents(result) == {"n.txt": NOTE, "x.docx": QUIET, "m.txt": NOTE}
    assert result.startswith(data[: data.index(b"x.docm") - 30])


def test_what_python_streams_with_zip64_fields_is_read() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (("n.txt", NOTE), ("x.docm", ARMED)):
            with archive.open(name, "w", force_zip64=True) as member:
                member.write(content)
    assert names_and_contents(run(file.getvalue(), "a.zip").content) == {"n.txt": NOTE, "x.docx": QUIET}


def test_a_name_in_another_encoding_keeps_its_bytes() -> None:
    name = "請求書.docm"
    unicode_path = extra(0x7075, b"\x01" + struct.pack("<I", zlib.crc32(name.encode("cp932"))) + name.encode())
    data = build([Item(name.encode("cp932"), ARMED, extra=unicode_path)])
    (record,) = zip_rewrite.read(run(data, "a.zip").content, Budget(Limits())).records
    new = "請求書.docx"
    assert record.member.entry.raw_name == new.encode("cp932")
    assert record.member.entry.extra == extra(
        0x7075, b"\x01" + struct.pack("<I", zlib.crc32(new.encode("cp932"))) + new.encode()
    )


def test_a_name_that_is_taken_gets_a_number() -> None:
    data = build([Item("X.docx", QUIET), Item("x.docm", ARMED)])
    assert list(names_and_contents(run(data, "a.zip").content)) == ["X.docx", "x (2).docx"]


@pytest.mark.parametrize("form", [{"method": 0}, {"method": 8}, {"method": 8, "flags": 8, "time": 0x7A31}])
def test_the_old_cipher_is_used_again_with_the_same_password(form: dict[str, int]) -> None:
    items = [locks.zip_crypto("n.txt", NOTE, b"tulip"), locks.zip_crypto("x.docm", ARMED, b"tulip", **form)]
    if form.get("flags"):
        sizes = (zlib.crc32(ARMED), len(items[1].data()), len(ARMED))
        items[1].behind = b"PK\x07\x08" + struct.pack("<3I", *sizes)
    data = build(items)
    result = run(data, "a.zip", "tulip")
    assert names_and_contents(result.content, b"tulip") == {"n.txt": NOTE, "x.docx": QUIET}
    assert raw(result.content, "n.txt") == raw(data, "n.txt")
    with pytest.raises(RuntimeError), zipfile.ZipFile(io.BytesIO(result.content)) as archive:
        archive.read("x.docx")


@pytest.mark.parametrize("strength", [1, 2, 3])
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("method", [0, 8])
def test_aes_is_used_again_with_the_same_password(strength: int, version: int, method: int) -> None:
    form = {"strength": strength, "version": version, "method": method}
    data = build([locks.zip_aes("x.docm", ARMED, b"tulip", **form), Item("n.txt", NOTE)])
    result = run(data, "a.zip", "tulip").content
    records = zip_rewrite.read(result, Budget(Limits())).records
    (locked,) = (record.member for record in records if record.member.encrypted)
    assert locked.name == "x.docx"
    assert locked.unlock("tulip") == QUIET
    assert locked.unlock("rose") is None
    assert (locked.entry.crc == 0) == (version == 2)
    old = zip_rewrite.read(data, Budget(Limits())).records[0].member.entry
    assert (locked.entry.extra, locked.method) == (old.extra, old.method)


def test_a_password_in_the_note_beside_it_opens_the_document() -> None:
    data = build([locks.zip_aes("x.docm", ARMED, b"tulip-77"), Item("readme.txt", b"Password: tulip-77\r\n")])
    result = run(data, "a.zip")
    report = examine(result.content, rules=RULES, limits=Limits(), mail=False)
    assert report.verdict is Verdict.CLEAN


def test_a_locked_document_with_nothing_in_it_is_left_as_it_is() -> None:
    locked = build([locks.zip_aes("q.docx", QUIET, b"tulip-77"), Item("readme.txt", b"Password: tulip-77\r\n")])
    data = build([Item("inner.zip", locked), Item("x.docm", ARMED)])
    assert names_and_contents(run(data, "a.zip").content) == {"inner.zip": locked, "x.docx": QUIET}
    with pytest.raises(CannotDisarm, match=r"inner\.zip holds nothing that could be taken out"):
        run(locked, "inner.zip")


WHOLE = build([Item("x.docm", ARMED)])
REFUSED = {
    "something before it": (b"PK00" + WHOLE, "before or behind"),
    "something behind it": (WHOLE + b"\x00" * 40, "before or behind"),
    "bytes between members": (build([Item("n.txt", NOTE, behind=bytes(20)), Item("x.docm", ARMED)]), "not all bytes"),
    "another size on the other side": (build([Item("x.docm", ARMED, local={"size": 7})]), "two different sizes"),
    "another name on the other side": (build([Item("x.docm", ARMED, local={"name": b"x.docx"})]), "in its own header"),
    "one name twice": (build([Item("x.docm", ARMED), Item("x.docm", QUIET)]), "two members are called"),
    "a member nobody lists": (build([Item("x.docm", ARMED, central=False), Item("n.txt", NOTE)]), "not list"),
    "a directory that counts wrong": (build([Item("x.docm", ARMED)], count=3), "says 3 members"),
    "two archives in one file": (build([Item("n.txt", NOTE)]) + WHOLE, "joined"),
    "a wrong checksum": (build([Item("x.docm", ARMED, crc=1)]), "checksum"),
    "a password nobody knows": (build([locks.zip_aes("x.docm", ARMED, b"nobody")]), "no password is known"),
    "a shortcut beside it": (build([Item("x.docm", ARMED), Item("a.lnk", SHORTCUT)]), "of the type lnk"),
}


@pytest.mark.parametrize(("data", "why"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_certain_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(CannotDisarm, match=why):
        run(data, "a.zip")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_the_bytes_the_records_are_whole_or_refused(data: st.DataObject) -> None:
    whole = bytearray(build([Item("n.txt", b"note", extra=STAMP), Item("x.bin", b"y" * 90)], comment=b"c"))
    for _ in range(data.draw(st.integers(0, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    content = bytes(whole[: data.draw(st.integers(0, len(whole)))] if data.draw(st.booleans()) else whole)
    try:
        archive = zip_rewrite.read(content, Budget(Limits()))
    except CannotDisarm:
        return
    rewritten = zip_rewrite.written(archive)
    assert rewritten[: -len(archive.comment) - 22 or None] == content[: -len(archive.comment) - 22 or None]
    assert zip_rewrite.read(rewritten, Budget(Limits())).comment == archive.comment
