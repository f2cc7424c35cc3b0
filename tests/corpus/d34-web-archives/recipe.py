from collections.abc import Callable

from gateway import samples
from gateway.samples import vba
from tests.makers.web import HEAD, activemime, archive, lines

SWAPPED = b'Content-Type: multipart/related; boundary="=_b"\r\nMIME-Version: 1.0\r\n\r\n'
NO_VERSION = b'Content-Type: multipart/related; boundary="=_b"\r\n\r\n'

WAYS: dict[str, Callable[[bytes], bytes]] = {
    "plain.mht": archive,
    "named.doc": archive,
    "picture-name.doc": lambda content: archive(content, name=b"image001.jpg", kind=b"image/jpeg"),
    "header-order.doc": lambda content: archive(content, head=SWAPPED),
    "no-version.doc": lambda content: archive(content, head=NO_VERSION),
    "more-fields.doc": lambda content: archive(content, head=b"X-Note: a\r\n" + HEAD),
    "junk-before.doc": lambda content: b"junk line\r\n" * 300 + archive(content),
    "blank-lines-before.doc": lambda content: b"\r\n\r\n" + archive(content),
    "encoded-twice.doc": lambda content: archive(lines(content)),
    "encoded-three-times.doc": lambda content: archive(lines(lines(content))),
    "archive-in-archive.doc": lambda content: archive(archive(content)),
}
PROJECT = vba.project(samples.docm_autoopen())
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(900)

FILES = {
    f"{kind}-{name}": (lambda way=way, content=content: way(content))
    for name, way in WAYS.items()
    for kind, content in (("armed", activemime(PROJECT)), ("clean", PICTURE))
} | {
    "armed-offset.doc": lambda: archive(activemime(PROJECT, offset=0x2000)),
    "armed-junk-in-part.doc": lambda: archive(activemime(PROJECT, before=b"\x00\x01junk" * 50)),
    "armed-wrapper-alone.mso": lambda: activemime(PROJECT, offset=0x97),
}
