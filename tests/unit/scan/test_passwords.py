import pytest

from gateway import samples
from gateway.closed_sets import Kind
from gateway.scan import Limits, examine, mime
from gateway.scan.budget import Budget, OverLimit
from gateway.scan.passwords import (
    ADDRESS,
    BESIDE,
    COMMON,
    EVERYBODYS,
    LISTED,
    MAX_CANDIDATES,
    MAX_TRIES,
    NAME,
    Candidate,
    Passwords,
)
from tests.makers import archives, locks, mail, seven_zip
from tests.makers.looks import RULES
from tests.makers.zips import Item, build


def heard(data: bytes, *listed: str) -> Passwords:
    passwords = Passwords(20, listed)
    passwords.hear_mail(data, mime.parse(data, Budget(Limits())))
    return passwords


def source(passwords: Passwords, text: str, where: str = "2/a.zip") -> str:
    return next((one.source for one in passwords.candidates(where) if one.text == text), "")


def test_candidates_come_from_everywhere():
    body = mail.text("Hello,\npassword: Xy7b\n")
    passwords = heard(mail.message([mail.part(b"", name="order 12.zip"), body], Subject="PIN 4711"), "listed one")
    passwords.hear(b"sesame")
    assert source(passwords, "Xy7b") == "a word of the message body"
    assert source(passwords, "4711") == "a word of the subject"
    assert source(passwords, "listed one") == LISTED
    assert source(passwords, "order 12") == NAME
    assert source(passwords, "invoice 9", "2/invoice 9.zip") == NAME
    assert source(passwords, "example") == ADDRESS
    assert source(passwords, "sesame") == BESIDE
    assert source(passwords, "infected") == COMMON


def test_the_likeliest_come_first_and_each_once():
    passwords = heard(mail.message([mail.text("Dear 1234,\npassword: Xy7b\n" + "word\n" * 50)]), "listed")
    found = [one.text for one in passwords.candidates("2/a.zip")]
    assert (
        found.index("Xy7b") < found.index("listed") < found.index("a") < found.index("infected") < found.index("Dear")
    )
    assert len(found) == len(set(found))


def test_their_number_is_bounded():
    words = " ".join(f"x{number}" for number in range(5000))
    assert len(list(heard(mail.message([mail.text(words)])).candidates("x"))) == MAX_CANDIDATES


def test_what_comes_later_is_heard_too():
    passwords = Passwords(20)
    assert not source(passwords, "Xy7b")
    passwords.hear(b"Xy7b")
    assert source(passwords, "Xy7b") == BESIDE


def test_the_first_that_fits_is_taken_and_tried_first_next_time():
    passwords, budget = Passwords(20, ("two",)), Budget(Limits())
    tried: list[str] = []

    def attempt(password: str) -> str | None:
        tried.append(password)
        return password.upper() if password == "two" else None

    assert passwords.try_on("a", budget, attempt, first=[Candidate("one", "mine")]) == ("TWO", LISTED)
    assert passwords.try_on("b", budget, attempt, first=[Candidate("one", "mine")]) == ("TWO", LISTED)
    assert tried == ["one", "two", "one", "two"]


def test_tries_end_with_their_number_and_their_time():
    budget = Budget(Limits())
    tried: list[str] = []
    assert Passwords(20).try_on("a", budget, tried.append, most=5) is None
    assert len(tried) == 5
    tried.clear()
    assert Passwords(0).try_on("a", budget, tried.append, first=[Candidate("one", "")]) is None
    assert tried == ["one"]


def test_very_many_locked_members_cost_no_more_than_some():
    passwords, budget = Passwords(20, tuple(map(str, range(1000, 1500)))), Budget(Limits())
    tried: list[str] = []
    for number in range(100):
        passwords.try_on(str(number), budget, tried.append)
    assert len(tried) == MAX_TRIES


def test_the_clock_of_the_message_goes_on():
    with pytest.raises(OverLimit):
        Passwords(20).try_on("a", Budget(Limits(seconds=-1)), lambda _: None)


def findings(data: bytes, *listed: str) -> dict[Kind, str]:
    report = examine(data, rules=RULES, limits=Limits(), passwords=listed)
    return {finding.kind: finding.detail for finding in report.findings}


DOCUMENT = samples.docm_autoopen()


@pytest.mark.parametrize("first", [True, False], ids=["body first", "body last"])
@pytest.mark.parametrize(
    "locked",
    [
        build([locks.zip_crypto("a.docm", DOCUMENT, b"Xy7b")]),
        build([locks.zip_aes("a.docm", DOCUMENT, b"Xy7b")]),
        locks.office(DOCUMENT, "Xy7b"),
    ],
    ids=["zip", "aes", "office"],
)
def test_a_locked_document_is_judged(locked, first):
    parts = [mail.text("Password: Xy7b\n"), mail.part(locked, name="a.bin")]
    found = findings(mail.message(parts if first else parts[::-1]))
    assert found.keys() == {Kind.DECRYPTED, Kind.VBA_AUTOEXEC}
    assert "a word of the message body" in found[Kind.DECRYPTED]
    assert not any("Xy7b" in detail for detail in found.values())


def test_the_password_of_a_nested_archive_stands_in_a_note_beside_it():
    inner = build([locks.zip_crypto("a.docm", DOCUMENT, b"Xy7b")])
    outer = build([Item("inner.zip", inner), Item("readme.txt", b"Password: Xy7b")])
    found = findings(mail.message([mail.part(outer, name="a.zip"), mail.text()]))
    assert found.keys() == {Kind.DECRYPTED, Kind.VBA_AUTOEXEC}
    assert BESIDE in found[Kind.DECRYPTED]


@pytest.mark.parametrize("form", ["ustar", "7zip", "cpio_newc"])
@pytest.mark.parametrize(
    "locked", [build([locks.zip_crypto("a.docm", DOCUMENT, b"Xy7b")]), locks.office(DOCUMENT, "Xy7b")]
)
def test_a_note_behind_the_locked_file_in_an_archive_is_heard(form, locked):
    outer = archives.several(form, {"inner.bin": locked, "readme.txt": b"Password: Xy7b"})
    found = findings(mail.message([mail.part(outer, name="a.bin"), mail.text()]))
    assert found.keys() == {Kind.DECRYPTED, Kind.VBA_AUTOEXEC}
    assert BESIDE in found[Kind.DECRYPTED]


def test_a_note_behind_the_locked_member_of_a_7z_archive_is_heard():
    files = {
        "a.docm": (DOCUMENT, [seven_zip.LZMA, seven_zip.aes("Xy7b")]),
        "z.txt": (b"Password: Xy7b", [seven_zip.LZMA]),
    }
    found = findings(mail.message([mail.part(seven_zip.mixed(files), name="a.7z"), mail.text()]))
    assert found.keys() == {Kind.DECRYPTED, Kind.VBA_AUTOEXEC}


def test_the_password_stands_in_an_attached_message():
    inner = mail.message(
        [mail.part(locks.office(DOCUMENT, "Xy7b"), name="a.docm"), mail.text("pw Xy7b\n")], boundary="inner"
    )
    for coding in ("", "base64"):
        data = mail.message([mail.part(inner, "message/rfc822", coding=coding), mail.text()])
        assert Kind.VBA_AUTOEXEC in findings(data)


def test_an_unknown_password_leaves_it_unscannable_by_name():
    data = build([locks.zip_crypto("secret.docm", DOCUMENT, b"Xy7b")])
    found = findings(mail.message([mail.part(data, name="a.zip"), mail.text()]))
    assert found.keys() == {Kind.ENCRYPTED}
    assert "secret.docm" in found[Kind.ENCRYPTED]


def test_the_configured_list_is_tried():
    data = mail.message([mail.part(locks.office(DOCUMENT, "Xy7b"), name="a.docm")])
    assert findings(data).keys() == {Kind.ENCRYPTED}
    assert findings(data, "Xy7b").keys() == {Kind.DECRYPTED, Kind.VBA_AUTOEXEC}


def test_everybodys_passwords_are_different_ones():
    assert len(EVERYBODYS) == len(set(EVERYBODYS))
