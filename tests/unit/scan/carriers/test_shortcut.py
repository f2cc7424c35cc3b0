"""Windows shortcuts."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.closed_sets import Kind
from gateway.scan.carriers.shortcut import inspect_shortcut
from tests.makers.carriers import shortcut
from tests.makers.looks import look

WHOLE = shortcut("C:\\Windows\\System32\\cmd.exe", " " * 300 + "/c rem INERT")


def sentence(data: bytes) -> str:
    ((kind, _, told),) = look(inspect_shortcut, data).found
    assert kind is Kind.SCRIPT_CARRIER
    return told


def test_target_and_arguments() -> None:
    assert sentence(WHOLE).endswith(
        "starts C:\\Windows\\System32\\cmd.exe when it is opened, with the arguments /c rem INERT"
    )
    assert "starts ..\\mshta.exe when" in sentence(shortcut(relative="..\\mshta.exe"))
    assert "starts a program when" in sentence(shortcut())


def test_a_target_with_variables() -> None:
    block = bytes.fromhex("14030000010000A0") + b"%windir%\\explorer.exe\0".ljust(0x30C, b"\0")
    assert "starts %windir%\\explorer.exe when" in sentence(shortcut() + block)


def test_any_cut_is_told() -> None:
    for end in range(len(WHOLE)):
        assert sentence(WHOLE[:end])
    assert sentence(WHOLE + b"tail" * 100) == sentence(WHOLE)


@given(st.binary(max_size=600))
def test_any_bytes_behind_the_magic(data: bytes) -> None:
    assert sentence(WHOLE[:20] + data)
