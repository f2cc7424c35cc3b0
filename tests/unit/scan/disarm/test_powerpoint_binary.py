import struct
import zlib

import pytest

from gateway import samples
from gateway.closed_sets import Verdict
from gateway.samples import vba, word
from gateway.samples.compound import compound_file, streams_of
from gateway.scan.disarm import CannotDisarm
from tests.unit.scan.disarm.armed import examined, run

PROJECT = vba.project(word.docm_autoopen())


def record(kind: int, content: bytes, instance: int = 0, version: int = 0) -> bytes:
    return struct.pack("<HHI", instance << 4 | version, kind, len(content)) + content


def compressed(content: bytes) -> bytes:
    return record(0x1011, struct.pack("<I", len(content)) + zlib.compress(content, 1), 1)


def action(number: int, *, over: bool = False) -> bytes:
    atom = record(0x0FF3, struct.pack("<IIB7x", 0, 0, number))
    return struct.pack("<HHI", 0x1F if over else 0x0F, 0x0FF2, len(atom)) + atom


def info() -> bytes:
    """VBAInfoContainer with its atom (MS-PPT 2.4.10)."""
    return record(0x03FF, record(0x0400, struct.pack("<III", 7, 1, 2), version=2), 1, version=0xF)


def ppt(*records: bytes) -> bytes:
    user = struct.pack("<HHIII", 0, 0x0FF6, 20, 20, 0xE391C05F) + bytes(12)
    return compound_file({("Current User",): user, ("PowerPoint Document",): b"".join(records)})


def stream(content: bytes) -> bytes:
    return streams_of(content)[("PowerPoint Document",)]


@pytest.mark.parametrize("project", [compressed(PROJECT), record(0x1011, PROJECT)])
def test_zeros_take_the_place_of_a_project(project):
    text = record(0x0FA8, b"some text of a slide" * 30)
    before = ppt(text, info(), action(1, over=True), project, text)
    assert examined(before).verdict is Verdict.AUTOEXEC
    result = run(before, "talk.ppt")
    assert result.removed == ("its macros",)
    assert result.media_type == "application/vnd.ms-powerpoint"
    assert examined(result.content).findings == ()
    empty = info().replace(struct.pack("<III", 7, 1, 2), struct.pack("<III", 0, 0, 2))
    nothing = record(0x138B, bytes(len(project) - 8))
    assert stream(result.content) == text + empty + action(0, over=True) + nothing + text


def test_a_document_inside_is_disarmed_where_it_stands():
    before = ppt(compressed(samples.xls_workbook_open()), record(0x0FA8, b"text"))
    result = run(before, "talk.ppt")
    assert result.removed == ("its macros",)
    after = stream(result.content)
    assert len(after) == len(stream(before))
    size = struct.unpack_from("<I", after, 4)[0]
    inner = zlib.decompressobj().decompress(after[12 : 8 + size])
    assert inner == run(samples.xls_workbook_open(), "object").content


def test_a_document_inside_that_is_damaged_goes():
    before = ppt(compressed(samples.xls_workbook_open()[:-2048]))
    result = run(before, "talk.ppt")
    assert result.removed == ("an object that could run something",)
    assert examined(result.content).verdict is Verdict.CLEAN


def test_a_shape_that_starts_a_program_does_nothing():
    before = ppt(action(2), action(2, over=True), action(4))
    result = run(before)
    assert result.removed == ("a shape that starts a program",)
    assert stream(result.content) == action(0) + action(0, over=True) + action(4)


def test_a_damaged_object_is_refused():
    with pytest.raises(CannotDisarm, match="damaged"):
        run(ppt(info(), record(0x1011, b"\0\0\0\0\x78\x01nonsense", 1)))


def test_an_encrypted_presentation_is_refused():
    user = struct.pack("<HHIII", 0, 0x0FF6, 20, 20, 0xF3D1C4DF) + bytes(12)
    with pytest.raises(CannotDisarm, match="encrypted"):
        run(compound_file({("Current User",): user, ("PowerPoint Document",): compressed(PROJECT)}))
