"""Whether an address leads out of the machine: shared by every format that can name a template or a linked object.

Contract: a pure function of the address. A file on a local drive or beside the document is not remote; a share is,
because opening it sends the reader's credentials there.
"""

from __future__ import annotations

import re

_REMOTE = re.compile(
    r"(?:https?|ftps?|mhtml|webdavs?|smb|script|javascript|vbscript|search|search-ms|[a-z]{2}-[a-z]+):"
    r"|[/\\]{2}[^/\\]|file:[/\\]{2}[^/\\]|file:[/\\]{4,5}[^/\\]",
    re.IGNORECASE,
)
_LOCAL_FILE = re.compile(r"file:(?:[/\\]{3}[a-z]:|[/\\]{2}localhost\b)", re.IGNORECASE)


def is_remote(address: str) -> bool:
    """True for http, UNC and the like: ``\\\\\\\\host\\\\share``, ``file://host/share``, ``http://host/t.dotm``."""
    plain = address.strip().strip("\0")
    return bool(_REMOTE.match(plain)) and not _LOCAL_FILE.match(plain)
