"""What is offered, and what follows from it; the wire side is in test_session."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.smtp.parameters import checked_recipient, checked_sender, offered
from gateway.smtp.protocol import CommandError, Path

ALL = {"PIPELINING": "", "SIZE": "100", "8BITMIME": "", "SMTPUTF8": "", "DSN": "", "ENHANCEDSTATUSCODES": ""}


@pytest.mark.parametrize(("limit", "size"), [("", "100"), ("0", "100"), ("7", "7"), ("200", "100"), ("x", "100")])
def test_the_lower_size_counts_and_none_is_no_limit(limit: str, size: str) -> None:
    assert offered({"SIZE": limit}, 100) == offered({}, int(size)) == {"PIPELINING": "", "SIZE": size}


def test_what_we_do_not_support_is_not_offered() -> None:
    hop = ALL | dict.fromkeys(("CHUNKING", "AUTH", "ETRN", "STARTTLS", "XCLIENT", "BINARYMIME", "REQUIRETLS"), "")
    assert offered(hop, 100) == ALL


def test_parameters_that_were_offered_pass_verbatim() -> None:
    path = Path("a@x", "size=100 Body=8bitmime SMTPUTF8 RET=FULL ENVID=+2B")
    assert checked_sender(path, ALL, trusted=False, hop_has_auth=False) == path
    path = Path("ä@x", "NOTIFY=SUCCESS,FAILURE ORCPT=utf-8;ä@x")
    assert checked_recipient(path, ALL, smtputf8=True) == path


def test_a_recipient_is_somebody() -> None:
    with pytest.raises(CommandError):
        checked_recipient(Path(""), ALL, smtputf8=False)


@given(st.text(max_size=50), st.text(max_size=50), st.booleans(), st.booleans())
def test_any_parameters_pass_or_are_refused(address: str, parameters: str, trusted: bool, auth: bool) -> None:
    try:
        path = checked_sender(Path(address, parameters), ALL, trusted=trusted, hop_has_auth=auth)
    except CommandError:
        return
    assert path.address == address
    assert not set("\r\n\0") & set(path.parameters)
    assert "SMTPUTF8" in path.keywords() or (path.address + path.parameters).isascii()
