import base64
import re

from gateway import samples
from gateway.samples.mail import zipped
from tests.makers import hidings, mail
from tests.makers.hidings import ARMED, CLEAN

FRONTS = {
    "gif": b"GIF89a/*" + bytes(30) + b";",
    "jpeg": b"\xff\xd8\xff\xe0" + bytes(200) + b"\xff\xd9",
    "bmp": b"BM" + (100).to_bytes(4, "little") + bytes(90),
    "pdf": b"%PDF-1.4\n1 0 obj\nnull\nendobj\n%%EOF\n",
    "bytes": b"\x01\x02\x03\x04" * 8,
}


def page(content: bytes) -> bytes:
    encoded = base64.b64encode(content).replace(b"AAAA", b"A'+'AAA")
    return (
        b"<html><body><script>l.href = URL.createObjectURL(new Blob([atob('" + encoded + b"')]));"
        b"l.download = 'a.doc'; l.click()</script></body></html>"
    )


def web_archive(content: bytes) -> bytes:
    whole = mail.message([mail.text(), mail.part(content, name="a.doc")])
    return re.sub(rb"(?m)^(?:From|To|Date|Subject|Message-ID): .*\n", b"", whole)


BEHIND = {
    "zip": lambda content: zipped("a.doc", content),
    "document": lambda content: content,
    "web-archive": web_archive,
    "page": page,
    "rtf": lambda content: (
        b"{\\rtf1{\\object\\objemb{\\*\\objdata 0105000002000000080000005061636b61676500"
        b"0000000000000000" + len(content).to_bytes(4, "little").hex().encode() + content.hex().encode() + b"}}}"
    ),
}


def attached(content: bytes, ending: str) -> bytes:
    return mail.message([mail.text(), mail.part(content, name=f"a.{ending}")])


HIDINGS = {
    f"{front}-{behind}.eml": (
        lambda content, front=front, behind=behind: attached(FRONTS[front] + BEHIND[behind](content), front)
    )
    for front in FRONTS
    for behind in BEHIND
} | {
    "zip-page.eml": lambda content: attached(zipped("a.txt", b"hello") + page(content), "html"),
    "page-zip.eml": lambda content: attached(page(b"hello" * 200) + zipped("a.doc", content), "zip"),
    "page-that-mentions-pdf.eml": lambda content: attached(b"<!-- %PDF-1.4 -->" + page(content), "html"),
}
PICTURES = {front: content for front, content in FRONTS.items() if front != "bytes"}

FILES = hidings.files(HIDINGS, armed=ARMED) | {
    **{f"clean-{front}.eml": (lambda front=front: attached(PICTURES[front], front)) for front in PICTURES},
    "clean-gif-document.eml": lambda: HIDINGS["gif-document.eml"](CLEAN),
    "clean-jpeg-zip.eml": lambda: HIDINGS["jpeg-zip.eml"](CLEAN),
    "armed-jpeg-package.eml": lambda: attached(FRONTS["jpeg"] + samples.docm_autoopen(), "jpg"),
}
