"""Outlook messages: attachments by name, those of attached messages too."""

import pytest

from gateway.closed_sets import Kind
from gateway.scan.containers import msg
from gateway.scan.look import Corrupt
from tests.makers.looks import SHORTCUT, look
from tests.makers.ole import compound

NAME = "a b.doc".encode("utf-16-le")


def test_attachments() -> None:
    attached = {"__attach_1/__substg1.0_37010102": SHORTCUT, "__attach_1/__substg1.0_3707001F": NAME}
    notes = look(msg.unpack, compound({"__properties_version1.0": b"", **attached}))
    assert [(name, content.rstrip(b"\0")) for name, content in notes.handed] == [("a b.doc", SHORTCUT)]


def test_an_attached_message_is_walked_with_it() -> None:
    inner = {"__attach_1/__substg1.0_3701000D/__attach_2/__substg1.0_37010102": SHORTCUT}
    with_storages = {"__attach_1/__substg1.0_3701000D/__properties_version1.0": b"", **inner}
    notes = look(msg.unpack, compound({"__properties_version1.0": b"", "__attach_1/x": b"", **with_storages}))
    assert [name for name, _ in notes.handed] == ["attachment"]


def test_script_behind_a_form_is_read() -> None:
    script = 'Function Item_Open()\r\n  MsgBox "inert"\r\nEnd Function\r\n'.encode("utf-16-le")
    form = {"__properties_version1.0": b"", "__substg1.0_80010102": script}
    assert look(msg.unpack, compound(form)).kinds == {Kind.VBA_AUTOEXEC}
    assert not look(msg.unpack, compound({**form, "__substg1.0_80010102": b"subtotal function"})).found


def test_what_is_no_compound_file_is_corrupt() -> None:
    with pytest.raises(Corrupt):
        look(msg.unpack, b"not at all")
