import io
import time
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.closed_sets import Kind
from gateway.scan.budget import Budget, Limits
from gateway.scan.containers import zip as zip_container
from gateway.scan.containers import zip_content, zip_crypto
from gateway.scan.containers.zip_records import Entry
from gateway.scan.look import Blob
from gateway.scan.passwords import COMMON, NAME, Passwords
from tests.makers import locks
from tests.makers.looks import SHORTCUT, Notes
from tests.makers.zips import Item, build

WORDS = b"What is in here is inert. " * 40
MAKERS = {
    "traditional": locks.zip_crypto,
    "traditional, stored": lambda *a: locks.zip_crypto(*a, method=0),
    "traditional, checked by the time": lambda *a: locks.zip_crypto(*a, flags=8, time=0x7A31),
    **{
        f"AE-{version} {64 + 64 * strength}": lambda *a, v=version, s=strength: locks.zip_aes(*a, version=v, strength=s)
        for version in (1, 2)
        for strength in (1, 2, 3)
    },
    "AES, stored": lambda *a: locks.zip_aes(*a, method=0),
}


def locked(data: bytes) -> zip_container.Member:
    (member,) = zip_container.members(data, Budget(Limits()))
    assert member.encrypted
    return member


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize("content", [WORDS, b"", b"x"], ids=["words", "nothing", "a letter"])
def test_the_right_password_opens(make, content):
    member = locked(build([make("a.txt", content, b"correct horse")]))
    assert member.unlock("correct horse") == content
    assert not any(member.unlock(f"wrong {number}") for number in range(20))


def test_our_lock_is_the_one_others_make():
    for method in (0, 8):
        data = build([locks.zip_crypto("a", WORDS, b"pass", method=method)])
        assert zipfile.ZipFile(io.BytesIO(data)).read("a", pwd=b"pass") == WORDS


def test_a_word_that_passes_the_short_check_is_not_the_password():
    member = locked(build([locks.zip_crypto("a", WORDS, b"pass", method=0)]))
    packed = locks.zip_crypto("a", WORDS, b"pass", method=0).data()
    entry = Entry(b"a", 1, 0, zlib.crc32(WORDS), len(packed), len(WORDS), 0, 0)
    passes = [word for n in range(2000) if zip_crypto.decrypted(packed, entry, word := b"%d" % n) is not None]
    assert passes
    assert not any(member.unlock(word.decode()) for word in passes)


@pytest.mark.parametrize("spelling", ["utf-8", "cp932", "cp1251"])
def test_a_password_is_spelled_as_its_country_does(spelling):
    for make in (locks.zip_crypto, locks.zip_aes):
        assert locked(build([make("a", WORDS, "пароль".encode(spelling))])).unlock("пароль") == WORDS


def test_damaged_data_do_not_open():
    for make in (locks.zip_crypto, locks.zip_aes):
        item = make("a", WORDS, b"pass")
        packed = item.data()
        item.packed = packed[:40] + bytes([packed[40] ^ 1]) + packed[41:]
        assert locked(build([item])).unlock("pass") is None


def test_what_is_not_encrypted_has_no_password():
    (member,) = zip_container.members(build([Item("a", WORDS)]), Budget(Limits()))
    assert member.unlock("x") is None


def test_what_comes_out_is_paid_for():
    budget = Budget(Limits(max_unpacked_size=1000))
    (member,) = zip_container.members(build([locks.zip_aes("a", bytes(5000), b"pass")]), budget)
    with pytest.raises(zip_content.OverLimit):
        member.unlock("pass")


def unpacked(data: bytes, *, listed: tuple[str, ...] = (), name: str = "x.zip") -> Notes:
    notes = Notes()
    notes.passwords = Passwords(20, listed)
    zip_container.unpack(Blob(data, name, name), notes)
    return notes


def test_members_are_opened_and_the_source_is_told_not_the_password():
    items = [
        locks.zip_crypto("a.lnk", SHORTCUT, b"p4ss!"),
        Item("b.txt", WORDS),
        locks.zip_aes("c.lnk", SHORTCUT, b"p4ss!"),
    ]
    notes = unpacked(build(items), listed=("no", "p4ss!"))
    assert notes.handed == [("b.txt", WORDS), ("a.lnk", SHORTCUT), ("c.lnk", SHORTCUT)]
    ((kind, where, said),) = notes.found
    assert (kind, where) == (Kind.DECRYPTED, "x.zip")
    assert "configured list" in said
    assert "p4ss" not in said


def test_each_member_may_have_its_own_password():
    items = [
        locks.zip_crypto("a", WORDS, b"infected"),
        locks.zip_aes("b", WORDS, b"orders"),
        locks.zip_aes("c", WORDS, b"?!"),
    ]
    notes = unpacked(build(items), name="orders.zip")
    assert [name for name, _ in notes.handed] == ["a", "b"]
    assert [(kind, COMMON in said, NAME in said) for kind, _, said in notes.found] == [
        (Kind.DECRYPTED, True, False),
        (Kind.DECRYPTED, False, True),
        (Kind.ENCRYPTED, False, False),
    ]


@pytest.mark.parametrize("central", [0, 1])
def test_the_mark_of_encryption_counts_on_either_side(central):
    item = locks.zip_crypto("a", WORDS, b"infected")
    item.flags, item.local = central, {"flags": 1 - central}
    notes = unpacked(build([item]))
    assert notes.handed == [("a", WORDS)]
    assert notes.kinds == {Kind.DECRYPTED, Kind.ARCHIVE_AMBIGUOUS}


def test_a_hundred_tries_take_less_than_a_second():
    for make in (locks.zip_crypto, locks.zip_aes):
        member = locked(build([make("a", SHORTCUT, b"right")]))
        began = time.process_time()
        assert not any(member.unlock(f"wrong {number}") for number in range(100))
        assert time.process_time() - began < 1


@given(
    packed=st.binary(max_size=200),
    flags=st.integers(0, 0xFFFF),
    method=st.sampled_from([0, 8, 99]),
    extra=st.binary(max_size=20),
    crc=st.integers(0, 255),
)
@settings(deadline=None)
def test_any_bytes_give_something_or_nothing(packed, flags, method, extra, crc):
    field = b"\x01\x99\x07\x00\x02\x00AE" + extra
    entry = Entry(b"a", flags, method, crc << 24, len(packed), 9, 0, 0, field)
    assert zip_content.unlocked(packed, entry, Budget(Limits()), "x") is None or method != 99


@given(content=st.binary(max_size=2000), password=st.text(min_size=1, max_size=40))
@settings(deadline=None)
def test_whatever_was_locked_comes_back(content, password):
    try:
        spelled = password.encode()
    except UnicodeEncodeError:
        return
    for make in (locks.zip_crypto, locks.zip_aes):
        assert locked(build([make("a", content, spelled)])).unlock(password) == content
