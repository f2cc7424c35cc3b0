"""Where an address leads: shared by every format that can name a template, a picture or a linked object.

Contract: pure functions of the address. A file on a local drive or beside the document is not remote; a share is,
because opening it sends the reader's credentials there. Percent escapes and blanks do not hide a scheme.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

_HTTP = re.compile(r"(?:https?|ftps?|webdavs?|dav|ms-[a-z-]{1,40}):", re.IGNORECASE)
_SHARE = re.compile(
    r"[/\\]{2}[^/\\]|(?:smb|cifs):|file:[/\\]{2}[^/\\]|file:[/\\]{4,5}[^/\\]|\\\\\?\\UNC\\", re.IGNORECASE
)
_DANGEROUS = re.compile(
    r"(?:ms-msdt|search-ms|search:(?:query|crumb|displayname).*|ms-officecmd|ms-appinstaller|ms-cxh(?:-full)?|ms-settings|ms-search|mhtml|its|mk|ms-its"
    r"|ms-itss|script|shell|cmd):|.*!x-usc:",
    re.IGNORECASE | re.DOTALL,
)
"""Schemes that start a program of Windows, or hand what they fetch to one that runs it (CVE-2022-30190)."""
_RUNS = re.compile(r"(?:javascript|vbscript):", re.IGNORECASE)
_LOCAL_SHARE = re.compile(r"[/\\]{2}[.?][/\\](?!UNC[/\\])|[/\\]{2}(?:localhost|127\.0\.0\.1)(?![\w.@])", re.IGNORECASE)
_LOCAL_FILE = re.compile(
    r"file:(?:[/\\]{2,5}(?:[.?][/\\])?[a-z][:|]|[/\\]{2}localhost\b|[/\\]{2}[.?][/\\])", re.IGNORECASE
)
_MAX_LENGTH = 8192


def is_remote(address: str) -> bool:
    """True for http, UNC and the like: ``\\\\\\\\host\\\\share``, ``file://host/share``, ``http://host/t.dotm``."""
    plain = _plain(address)
    return bool(_HTTP.match(plain) or _DANGEROUS.match(plain) or _RUNS.match(plain)) or _is_share(plain)


def is_share(address: str) -> bool:
    """True for a file on another machine, which Windows opens with the reader's credentials."""
    return _is_share(_plain(address))


def is_dangerous(address: str) -> bool:
    """True for an address that starts a program when it is followed, even by a click."""
    return bool(_DANGEROUS.match(_plain(address)))


def _is_share(plain: str) -> bool:
    return bool(_SHARE.match(plain)) and not _LOCAL_FILE.match(plain) and not _LOCAL_SHARE.match(plain)


def _plain(address: str) -> str:
    return unquote(address[:_MAX_LENGTH]).strip().strip("\0").lstrip("\"'\t\r\n ")
