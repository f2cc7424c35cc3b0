"""Texts that some Windows program obeys, told by their content: Internet shortcuts, registry files, remote desktop
files, themes, consoles, libraries and manifests.

Contract: what the content says at its beginning decides; what Windows finds further down decides only under the name
that makes Windows look for it. One look at the first ``HEAD`` bytes; never raises.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.closed_sets import Kind
from gateway.scan import names
from gateway.scan.look import Blob, Look

HEAD = 4 << 10


@dataclass(frozen=True, slots=True)
class _Settings:
    """A file of sections and lines. ``begins`` are its possible first lines, in lower case; under one of ``endings``
    they may stand further down; ``needs`` are words one of which has to follow."""

    begins: tuple[bytes, ...]
    endings: tuple[str, ...]
    sentence: str
    needs: tuple[bytes, ...] = (b"",)


SETTINGS: tuple[_Settings, ...] = (
    _Settings(
        (b"windows registry editor version", b"regedit4"),
        ("reg",),
        "is a registry file, which changes settings of Windows when it is opened",
        (b"[hkey", b"[-hkey"),
    ),
    _Settings(
        (b"[shell]",),
        ("scf",),
        "is a command file of the Explorer, which fetches its icon from anywhere without a click",
        (b"iconfile", b"command"),
    ),
    _Settings(
        (
            b"full address:s:",
            b"screen mode id:i:",
            b"remoteapplicationmode:i:",
            b"redirectdrives:i:",
            b"gatewayhostname:s:",
        ),
        ("rdp",),
        "is a remote desktop file, which gives the drives of its reader to the machine it connects to",
        (b"full address:s:", b"remoteapplicationprogram:s:", b"alternate full address:s:"),
    ),
    _Settings(
        (b"[theme]",),
        ("theme",),
        "is a desktop theme, which fetches pictures and programs from anywhere",
        (b"[control panel", b"[visualstyles]", b"[boot]", b"[masterthemeselector]"),
    ),
    _Settings(
        (b"[version]",),
        ("inf",),
        "is a setup file, which installs what it names",
        (b"[defaultinstall", b"[install", b"runpresetupcommands", b"registerocxs", b"unregisterocxs"),
    ),
    _Settings(
        (b"[.shellclassinfo]",),
        ("ini",),
        "fetches the icon of a folder from somebody else's machine without a click",
        (b"iconresource=\\\\", b"iconfile=\\\\"),
    ),
)

# The first element of an XML file in lower case without its prefix, a word that has to be there too, and the sentence.
ELEMENTS: tuple[tuple[bytes, bytes, str], ...] = (
    (b"librarydescription", b"", "is a Windows library, which shows somebody else's folder as the reader's own"),
    (
        b"searchconnectordescription",
        b"",
        "is a search connector, which shows somebody else's files as the reader's own",
    ),
    (b"persistedquery", b"", "is a saved search, which shows somebody else's files as the reader's own"),
    (b"pcsettings", b"deeplink", "is a link to settings, which runs the command in it"),
    (b"mmc_consolefile", b"", "is a management console file, which may run commands when it is opened"),
    (b"jnlp", b"", "is a Java Web Start file, which fetches and runs a program"),
    (b"scriptlet", b"<script", "is a Windows script component"),
    (b"component", b"<script", "is a Windows script component"),
    (b"component", b"<registration", "is a Windows script component"),
    (b"appinstaller", b"schemas.microsoft.com/appx", "is a Windows app to be installed from elsewhere"),
    (b"package", b"schemas.microsoft.com/appx/manifest", "is the manifest of a Windows app package"),
    (b"assembly", b"<deployment", "is a ClickOnce manifest, which installs a program or an Office add-in"),
    (b"assembly", b'dependencytype="install"', "is a ClickOnce manifest, which installs a program or an Office add-in"),
    (b"diagnosticpackage", b"", "is a troubleshooting package, which runs PowerShell scripts"),
    (b"stylesheet", b"urn:schemas-microsoft-com:xslt", "is a style sheet with script in it"),
)

_ELEMENT = re.compile(rb"<(?:[a-z0-9_]{1,40}:)?([a-z][a-z0-9_.-]{0,60})[\s>/]")
_SHORTCUT_BEGINS = (b"[internetshortcut]", b"[internetshortcut.w]", b"[{000214a0-0000-0000-c000-000000000046}]")
_BEGINNINGS = (*_SHORTCUT_BEGINS, *(begin for kind in SETTINGS for begin in kind.begins), b"http")
"""Without a name all of them begin so, or as an address."""
_SHORTCUT_LINE = re.compile(
    rb"^[ \t]*(url|baseurl|iconfile|workingdirectory)[ \t]*=[ \t]*([^\r\n]{0,2000})", re.MULTILINE
)
_CLICKONCE_LINK = re.compile(rb"^https?://[^\s#]{1,1000}\.(?:application|vsto)#")


def told_by_content(blob: Blob, look: Look) -> bool:
    """Report what Windows would make of a text, if its content tells; whether it does."""
    start = plain_start(blob.data)
    sentence = _element(start) if b"<" in start[:200] else ""
    indicators: list[str] = []
    if not sentence and (b"[" in start or b":" in start or b"regedit4" in start):
        sentence, indicators = _settings(start, names.endings(blob.name))
    if sentence:
        look.find(Kind.SCRIPT_CARRIER, blob.where, sentence, indicators=indicators)
    return bool(sentence)


def _settings(start: bytes, endings: tuple[str, ...]) -> tuple[str, list[str]]:
    """The sentence about a file of sections and lines, and what it points to."""
    beginning = _without_comments(start)
    if not endings and not beginning.startswith(_BEGINNINGS):
        return "", []
    if _begins(beginning, start, _SHORTCUT_BEGINS, ("url", "website"), endings):
        return _shortcut(start)
    if _CLICKONCE_LINK.match(beginning):
        return "is a ClickOnce shortcut, which fetches and runs a program", []
    for kind in SETTINGS:
        if _begins(beginning, start, kind.begins, kind.endings, endings) and any(word in start for word in kind.needs):
            return kind.sentence, []
    return "", []


def plain_start(data: bytes | memoryview) -> bytes:
    """The first ``HEAD`` bytes in lower case, without what UTF-16 and a byte order mark put between the letters."""
    head = bytes(data[:HEAD])
    return (
        head.removeprefix(b"\xff\xfe")
        .removeprefix(b"\xfe\xff")
        .removeprefix(b"\xef\xbb\xbf")
        .replace(b"\0", b"")
        .lower()
    )


def _without_comments(start: bytes) -> bytes:
    rest = start.lstrip()
    while rest.startswith(b";"):
        rest = rest.partition(b"\n")[2].lstrip()
    return rest


def _begins(
    beginning: bytes, start: bytes, words: tuple[bytes, ...], by_name: tuple[str, ...], endings: tuple[str, ...]
) -> bool:
    return beginning.startswith(words) or (
        not set(by_name).isdisjoint(endings) and any(word in start for word in words)
    )


def _element(start: bytes) -> str:
    first = _ELEMENT.search(start)
    if first is None:
        return ""
    return next((sentence for name, word, sentence in ELEMENTS if first[1] == name and word in start), "")


def _shortcut(start: bytes) -> tuple[str, list[str]]:
    """An Internet shortcut; harmless, and no carrier, while all it does is to open a page in the browser."""
    lines = [(key, value.strip().decode("utf-8", "replace")) for key, value in _SHORTCUT_LINE.findall(start)]
    if all(_harmless(key, value) for key, value in lines):
        return "", []
    targets = [value for key, value in lines if key == b"url"]
    opened = targets[0] if targets else lines[0][1]
    return f"is an Internet shortcut, which opens {opened}: that is no page but something that may run", targets


def _harmless(key: bytes, value: str) -> bool:
    if key in (b"url", b"baseurl"):
        return _opens_a_page(value)
    return not value.startswith(("\\\\", "//", "file:"))  # an icon from a share gives away the password's hash


def _opens_a_page(address: str) -> bool:
    """Whether it leads to the browser and there to a page, not to a file that is run."""
    scheme, _, rest = address.partition("://")
    if scheme not in ("http", "https"):
        return False
    host, _, path = rest.partition("?")[0].partition("#")[0].partition("/")
    return "@" not in host and not set(names.endings(path)) & _RUN


_RUN = frozenset(
    {
        *(
            "js",
            "jse",
            "vbs",
            "vbe",
            "wsf",
            "hta",
            "ps1",
            "bat",
            "cmd",
            "exe",
            "scr",
            "msi",
            "lnk",
            "jar",
            "cpl",
            "dll",
        ),
        *("iso", "img", "vhd", "vhdx", "zip", "rar", "7z", "cab", "docm", "xlsm", "xll", "application", "appinstaller"),
    }
)
"""Endings of what is run, or holds what is run, once it has been fetched."""
