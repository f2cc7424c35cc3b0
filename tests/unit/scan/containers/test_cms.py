"""S/MIME files: what is inside a signature comes out, in DER and in BER, whatever the bytes."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.closed_sets import Kind
from gateway.scan.containers import cms
from gateway.scan.look import Blob, Corrupt, Look
from tests.makers.looks import SHORTCUT, look
from tests.makers.wrappers import AUTH_ENVELOPED, COMPRESSED, ENVELOPED
from tests.makers.wrappers import cms as made


@given(st.binary(max_size=300), st.integers(0, 50), st.binary(max_size=20))
def test_signed_content_comes_out_whole_and_with_a_tail(content: bytes, pieces: int, tail: bytes) -> None:
    file = made(content, pieces=pieces)
    assert cms.begins(file[:64])
    assert look(cms.unpack, file + (tail if not pieces else b"")).handed[0][1] == content


def test_a_signature_beside_the_message_is_nothing() -> None:
    assert look(cms.unpack, made(None)).handed == []


@pytest.mark.parametrize("kind", [ENVELOPED, AUTH_ENVELOPED])
def test_what_is_encrypted_is_told(kind: str) -> None:
    assert look(cms.unpack, made(b"locked", kind)).kinds == {Kind.ENCRYPTED}


def test_compressed_content_is_unpacked() -> None:
    assert look(cms.unpack, made(zlib.compress(b"x" * 999), COMPRESSED)).handed == [("signed content", b"x" * 999)]


@pytest.mark.parametrize(("name", "shown"), [("a.doc.p7m", "a.doc"), ("smime", "signed content")])
def test_a_file_is_called_as_it_was_before_it_was_signed(name: str, shown: str) -> None:
    assert look(cms.unpack, made(SHORTCUT), name=name).handed == [(shown, SHORTCUT)]


def test_a_message_without_fields_of_mime_is_one_nevertheless() -> None:
    handed = look(cms.unpack, made(b"X: y\r\n\r\nhello")).handed
    assert handed[-1] == ("message", b"MIME-Version: 1.0\r\nX: y\r\n\r\nhello")


def test_what_is_cut_off_is_handed_on_as_far_as_it_goes() -> None:
    file = made(b"x" * 500)
    with pytest.raises(Corrupt):
        look(cms.unpack, file[:300])
    assert look(_forgiving, file[:300]).handed[0][1].startswith(b"x" * 200)


def _forgiving(blob: Blob, notes: Look) -> None:
    with pytest.raises(Corrupt):
        cms.unpack(blob, notes)


@given(st.binary(max_size=200), st.integers(0, 200))
def test_any_bytes(data: bytes, at: int) -> None:
    whole = bytearray(made(b"content" * 5, pieces=at % 9))
    whole[at % len(whole) : at % len(whole) + len(data) % 7] = data
    for file in (bytes(whole), data, made(data)[:at]):
        cms.begins(file)
        try:
            look(cms.unpack, file)
        except Corrupt:
            assert file is not None
