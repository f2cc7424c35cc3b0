import base64
import zlib
from collections.abc import Callable

from gateway import samples
from gateway.samples import vba
from tests.makers.pdf import pdf, stream
from tests.makers.rtf import embedded, ole1, rtf


def activemime(content: bytes) -> bytes:
    return b"ActiveMime\0".ljust(0x32, b"\0") + zlib.compress(content)


def web_archive(content: bytes) -> bytes:
    encoded = base64.encodebytes(content).replace(b"\n", b"\r\n")
    return (
        b'MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary="=_b"\r\n\r\n--=_b\r\n'
        b"Content-Type: text/html\r\n\r\n<html></html>\r\n--=_b\r\nContent-Transfer-Encoding: base64\r\n"
        b"Content-Type: application/x-mso\r\n\r\n" + encoded + b"\r\n--=_b--\r\n"
    )


MACRO, PICTURE = activemime(vba.project(samples.docm_autoopen())), b"\x89PNG\r\n\x1a\n" + bytes(40)
FAR = stream(bytes(range(256)) * 400, packed=False)

WAYS: dict[str, Callable[[bytes], bytes]] = {
    "behind.doc": lambda content: pdf(tail=b"\r\n" + web_archive(content)),
    "behind.pdf": lambda content: pdf(tail=b"\r\n" + web_archive(content)),
    "far-behind.doc": lambda content: pdf(FAR, tail=b"\r\n" + web_archive(content)),
    "inside.doc": lambda content: pdf().replace(b"trailer", b"\r\n" + web_archive(content) + b"\r\ntrailer"),
}

FILES = {
    f"{kind}-{name}": (lambda way=way, content=content: way(content))
    for name, way in WAYS.items()
    for kind, content in (("armed", MACRO), ("clean", PICTURE))
} | {
    "armed-package-behind.doc": lambda: pdf(tail=samples.docm_autoopen()),
    "armed-rtf-behind.doc": lambda: pdf(tail=rtf(embedded(ole1("Word.Document.8", samples.doc_autoopen())))),
}
