"""OpenPGP messages: the signed and the compressed come out, the encrypted are told, keys are nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.closed_sets import Kind
from gateway.scan.containers import openpgp
from gateway.scan.look import Corrupt
from tests.makers.looks import look
from tests.makers.wrappers import armour, compressed, literal, locked, packet

KEY = packet(6, b"\4" + bytes(270))
DETACHED = packet(2, b"\4" + bytes(60))


@given(st.binary(max_size=300), st.integers(0, 2))
def test_a_file_comes_out(content: bytes, times: int) -> None:
    message = literal(content, "b.doc")
    for _ in range(times):
        message = compressed(message, times)
    assert openpgp.begins(message[:4096], len(message))
    assert look(openpgp.unpack, message).handed == [("b.doc", content)]
    assert list(openpgp.armoured(b"Hello\r\n" + armour(message) + b"Bye\r\n")) == [message]


def test_a_packet_in_pieces() -> None:
    body = b"b\0" + bytes(4) + b"x" * 600
    pieces = b"\xcb\xe9" + body[:512] + bytes([len(body) - 512]) + body[512:]
    assert look(openpgp.unpack, pieces).handed == [("message", b"x" * 600)]


def test_what_is_encrypted_is_told() -> None:
    assert openpgp.begins(locked()[:4096], len(locked()))
    assert look(openpgp.unpack, locked()).kinds == {Kind.ENCRYPTED}


@pytest.mark.parametrize("data", [KEY, DETACHED, b"\x85\x01\x0c", b"text" * 9, b"\xff" * 40, bytes(40)])
def test_what_is_no_message(data: bytes) -> None:
    assert not openpgp.begins(data, len(data))


@given(st.binary(max_size=200), st.integers(0, 200), st.integers(0x80, 0xFF))
def test_any_bytes(data: bytes, cut: int, first: int) -> None:
    for file in (
        data,
        bytes([first]) + data,
        bytes([first, cut % 5]) + data.ljust(16),
        compressed(literal(data))[:cut],
        b"\xc1" + data,
        b"\xa3\x01" + data,
    ):
        openpgp.begins(file, len(file))
        list(openpgp.armoured(armour(b"")[:26] + file))
        try:
            look(openpgp.unpack, file)
        except Corrupt:
            assert file
