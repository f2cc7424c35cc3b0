import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.closed_sets import Kind, Verdict
from gateway.scan.documents.package import unpack_package
from gateway.scan.look import Blob
from tests.unit.scan.documents.recorder import Recorder


def packed(label: bytes, content: bytes, path: bytes = b"C:\\Temp\\x.txt") -> bytes:
    body = struct.pack("<H", 2) + label + b"\0" + path + b"\0" + b"\0\0\3\0"
    body += struct.pack("<I", len(path) + 1) + path + b"\0" + struct.pack("<I", len(content)) + content
    return struct.pack("<I", len(body)) + body


def look_at(stream: bytes) -> Recorder:
    look = Recorder()
    unpack_package(stream, Blob(b"", "2/x"), "2/x", look)
    return look


@pytest.mark.parametrize(
    ("label", "path", "verdict"),
    [
        (b"notes.txt", b"C:\\notes.txt", Verdict.CLEAN),
        (b"report.pdf.exe", b"C:\\x.tmp", Verdict.SUSPICIOUS),
        (b"Invoice", b"C:\\Temp\\invoice.JS ", Verdict.SUSPICIOUS),
        (b"a.lnk", b"", Verdict.SUSPICIOUS),
    ],
)
def test_a_program_is_suspicious_and_everything_is_handed_on(label, path, verdict):
    look = look_at(packed(label, b"content", path))
    assert look.kinds == [Kind.OLE_PACKAGE]
    assert look.verdict is verdict
    assert look.children == [(label.decode(), b"content")]


def test_a_native_stream_that_is_no_package_is_left_alone():
    look = look_at(struct.pack("<I", 100) + b"\x01\x05" + b"x" * 100)
    assert not look.findings
    assert not look.children


def test_what_breaks_off_is_corrupt_wherever_it_does():
    whole = packed(b"a.txt", b"content")
    for length in range(8, len(whole)):
        look = look_at(whole[:length])
        assert look.kinds == [Kind.OLE_PACKAGE, Kind.CORRUPT]
        assert look.verdict is Verdict.UNSCANNABLE
    assert look.children == [("a.txt", b"conten")]
    assert look_at(whole + bytes(20)).verdict is Verdict.CLEAN


def test_a_linked_file_is_not_here_and_not_missing():
    path = b"C:\\Windows\\x.txt"
    body = b"\x02\0x.txt\0" + path + b"\0\0\0\x01\0\x01\0" + path + b"\0"
    look = look_at(struct.pack("<I", len(body)) + body)
    assert look.kinds == [Kind.OLE_PACKAGE]
    assert not look.children


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read(data):
    look_at(b"\0\0\0\0\x02\x00" + data)
