"""Places as the configuration writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.receivers.places import CollectorPlace, SyslogPlace


@pytest.mark.parametrize(
    "text", ["unix:/dev/log", "udp:192.0.2.10:514", "tcp:[2001:db8::1]:601", "tls:syslog.example.com:6514"]
)
def test_syslog_places_are_read_and_written(text: str) -> None:
    assert str(SyslogPlace.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "/dev/log", "192.0.2.10:514", "udp:host", "tcp:host:0", "tls:unix:/x", "tcp:lmtp:h:1", "http:h:1"]
)
def test_what_is_no_syslog_place_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"write|is no place|port"):
        SyslogPlace.parse(text)


def test_collector_places() -> None:
    assert CollectorPlace.parse("https://logs.example.com") == CollectorPlace(True, "logs.example.com", 443, "/")
    assert CollectorPlace.parse("http://[::1]:80/a?b=c") == CollectorPlace(False, "::1", 80, "/a?b=c")
    assert CollectorPlace.parse("http://[::1]:80/").private
    assert not CollectorPlace.parse("http://192.0.2.1/").private
    assert CollectorPlace.parse("https://192.0.2.1/").private


@pytest.mark.parametrize(
    "text",
    ["ftp://x/", "https://", "https://x:0/", "https://x:99999/", "https://x/ y", "https://u:p@x/", "x", "https://x/#y"],
)
def test_what_is_no_collector_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"https://|log\.http_authorization"):
        CollectorPlace.parse(text)


@given(st.text(max_size=40))
def test_any_text_is_a_place_or_a_sentence(text: str) -> None:
    for parse in (SyslogPlace.parse, CollectorPlace.parse):
        for prefix in ("", "udp:", "unix:/", "http://", "https://["):
            told = "a place"
            try:
                parse(prefix + text)
            except ValueError as error:
                told = str(error)
            assert told
