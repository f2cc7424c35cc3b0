import base64
import zlib
from collections.abc import Callable

from gateway import samples
from tests.makers.pdf import packed_objects, pdf, stream, with_file

SPECIFICATION = b"<</Type/Filespec/UF(invoice.docm)/EF<</F 4 0 R>>>>"


def filtered(content: bytes, name: bytes) -> bytes:
    return pdf(SPECIFICATION, b"<</Type/EmbeddedFile/Filter%s>>stream\n%s\nendstream" % (name, content))


WAYS: dict[str, Callable[[bytes], bytes]] = {
    "plain.pdf": lambda content: with_file(content, "invoice.docm"),
    "no-type.pdf": lambda content: with_file(content, "invoice.docm", words=b""),
    "stored.pdf": lambda content: pdf(SPECIFICATION, stream(content, b"/Type/EmbeddedFile", packed=False)),
    "escaped-names.pdf": lambda content: with_file(content, "i.docm", words=b"/Type/Embe#64dedFile").replace(
        b"/EF", b"/E#46"
    ),
    "packed-objects.pdf": lambda content: pdf(b"null", stream(content), packed_objects(SPECIFICATION, first=9)),
    "hexadecimal.pdf": lambda content: filtered(zlib.compress(content).hex().encode() + b">", b"[/AHx /Fl]"),
    "ascii85.pdf": lambda content: filtered(
        base64.a85encode(zlib.compress(content)) + b"~>", b"[/ASCII85Decode/FlateDecode]"
    ),
    "no-ends.pdf": lambda content: with_file(content, "invoice.docm").replace(b"endobj", b""),
    "collection.pdf": lambda content: with_file(content, "invoice.docm", b"<</Type/Catalog/Collection<</View/T>>>>"),
}
SCRIPT = b"<</S/JavaScript/JS(this.exportDataObject\\({cName:'a',nLaunch:2}\\))>>"

FILES = {
    f"{kind}-{name}": (lambda way=way, content=content: way(content))
    for name, way in WAYS.items()
    for kind, content in (("armed", samples.docm_autoopen()), ("clean", samples.docx()))
} | {
    "armed-export.pdf": lambda: with_file(b"inert", "a.txt", SCRIPT),
    "armed-opened-by-script.pdf": lambda: with_file(
        samples.docx(), "a.docx", b"<</OpenAction<</S/JavaScript/JS(x)>>>>"
    ),
    "armed-program.pdf": lambda: pdf(b"<</OpenAction<</S/Launch/Win<</F(cmd.exe)/P(/c inert)>>>>>>"),
    "armed-share.pdf": lambda: pdf(b"<</AA<</O<</F(\\\\\\\\host.example\\\\s)/D[0/Fit]/S/GoToE>>>>>>"),
    "clean-form.pdf": lambda: pdf(b"<</OpenAction<</S/JavaScript/JS(AFNumber_Format\\(2\\))>>>>"),
    "clean-chapter.pdf": lambda: pdf(b"<</S/Launch/F(chapter2.pdf)>>"),
    "noted-encrypted.pdf": lambda: pdf(trailer=b"/Encrypt 9 0 R"),
    "held-encrypted-file.pdf": lambda: with_file(b"locked", "a.docm").replace(b"/Root", b"/Encrypt 9 0 R/Root"),
    "held-unknown-filter.pdf": lambda: filtered(b"x", b"/JBIG2Decode"),
}
