from collections.abc import Callable

from gateway import samples
from gateway.samples import vba
from gateway.samples.compound import compound_file
from gateway.samples.package import OFFICE, relations
from tests.makers.links import docx_with
from tests.makers.rtf import embedded, native, ole1, rtf
from tests.makers.web import activemime, archive


def inside(part: str, kind: str, content: bytes) -> bytes:
    rels = relations((f"{OFFICE}/{kind}", part))
    return docx_with({"word/_rels/document.xml.rels": rels, f"word/{part}": content})


def packed(content: bytes, name: str) -> bytes:
    body = native(name, content)
    return compound_file({("\x01Ole10Native",): len(body).to_bytes(4, "little") + body})


def packed_rtf(content: bytes) -> bytes:
    return rtf(embedded(ole1("Package", native("a.docm", content))))


WAYS: dict[str, Callable[[bytes], bytes]] = {
    "embedded.docx": lambda content: inside("embeddings/a.docm", "package", content),
    "embedded-bin.docx": lambda content: inside("embeddings/a.bin", "oleObject", content),
    "packed-file.docx": lambda content: inside("embeddings/a.bin", "oleObject", packed(content, "a.docm")),
    "chunk.docx": lambda content: inside("chunk.docx", "aFChunk", content),
    "chunk-rtf.docx": lambda content: inside("c.rtf", "aFChunk", packed_rtf(content)),
    "chunk-named.docx": lambda content: inside("c.dat", "aFChunk", content),
    "unrelated.docx": lambda content: docx_with({"customXml/item1.xml": content}),
    "twice.docx": lambda content: inside("a.docx", "package", inside("b.docm", "package", content)),
}

FILES = {
    f"{kind}-{name}": (lambda way=way, content=content: way(content))
    for name, way in WAYS.items()
    for kind, content in (("armed", samples.docm_autoopen()), ("clean", samples.docx()))
} | {
    "armed-chunk-mht.docx": lambda: inside(
        "c.mht", "aFChunk", archive(activemime(vba.project(samples.docm_autoopen())))
    ),
    "clean-chunk-html.docx": lambda: inside("c.html", "aFChunk", b"<html><body>Text</body></html>"),
}
