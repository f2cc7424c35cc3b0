import pytest

from gateway.scan.documents.vba_fingerprint import fingerprint, normalised

CODE = 'Attribute VB_Name = "A"\nSub AutoOpen()\n  x = "One  Two"\nEnd Sub\n'


@pytest.mark.parametrize(
    "same",
    [
        'Attribute VB_Name = "Other"\nSub AutoOpen()\nx="One  Two"\nEnd Sub',
        'sub  AUTOOPEN ( )\n\n\t X = _\n "One  Two" \' said so\nRem nothing\nEnd   Sub\n',
        '10 Sub AutoOpen()\n20 x = "One  Two"\n30 End Sub\n',
    ],
)
def test_what_does_not_change_the_code_does_not_change_its_name(same):
    assert fingerprint([same]) == fingerprint([CODE])


@pytest.mark.parametrize(
    "other",
    [
        CODE.replace("One  Two", "One Two"),
        CODE.replace("One", "one"),
        CODE.replace("x =", "y ="),
        CODE.replace("  x", "  Dim x: x"),
        CODE + "Sub B()\nEnd Sub\n",
        CODE.replace('"One', '1 + "One'),
    ],
)
def test_what_changes_the_code_changes_its_name(other):
    assert fingerprint([other]) != fingerprint([CODE])


def test_modules_count_whatever_their_order_and_empty_ones_do_not():
    other = "Function B()\nEnd Function\n"
    assert fingerprint([CODE, other, "Option Explicit\n"]) == fingerprint(["option explicit", other, CODE])
    assert fingerprint([CODE, 'Attribute VB_Name = "Sheet1"\n', "' only a comment\n"]) == fingerprint([CODE])


def test_no_code_has_no_name():
    assert fingerprint(['Attribute VB_Name = "A"\n', ""]) == ""


def test_the_name_is_a_sha256_that_does_not_change_with_the_version():
    assert normalised(CODE) == 'sub autoopen()\nx="One  Two"\nend sub'
    assert fingerprint([CODE]) == "7080bd6a36bacbe81e48272e4ac37b67cad2dc5caeeb7ca738a0971b8e866561"
