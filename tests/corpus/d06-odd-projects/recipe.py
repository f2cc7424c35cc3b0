from gateway import samples
from gateway.samples import word
from gateway.samples.compound import compound_file, streams_of
from tests.makers.vba import AUTOOPEN, NOTHING, doc, docm, project_streams


def changed(source: str = AUTOOPEN, **streams: bytes | None) -> dict[tuple[str, ...], bytes]:
    """The project with streams of its storage ``VBA`` replaced, or gone where None."""
    whole = project_streams(source)
    for name, content in streams.items():
        whole.pop(("VBA", name), None)
        if content is not None:
            whole[("VBA", name)] = content
    return whole


def renamed(name: str) -> dict[tuple[str, ...], bytes]:
    whole = project_streams()
    return {**{path: c for path, c in whole.items() if path[-1] != "Module1"}, ("VBA", name): whole[("VBA", "Module1")]}


def raw_chunk(text: bytes) -> bytes:
    """A container of one chunk that is not compressed (MS-OVBA 2.4.1.3.3)."""
    return b"\x01\xff\x3f" + text.ljust(4096, b" ")


def short_chunks(source: str) -> bytes:
    """Every few letters a chunk of their own, all literals."""
    text = f'Attribute VB_Name = "Module1"\r\n{source}'.encode()
    chunks = b""
    for at in range(0, len(text), 8):
        piece = text[at : at + 8]
        chunks += (len(piece) | 0xB000).to_bytes(2, "little") + b"\x00" + piece
    return b"\x01" + chunks


def in_storage(name: str) -> bytes:
    project = {(name, *path): content for path, content in project_streams().items()}
    return compound_file({**streams_of(samples.doc()), **project})


def in_code_page(number: int) -> dict[tuple[str, ...], bytes]:
    """The directory says that the source is written in another code page (MS-OVBA 2.3.4.2.1, PROJECTCODEPAGE)."""
    from pyopenvba.vba import compress

    from gateway.scan.budget import Budget, Limits
    from gateway.scan.documents.vba_compression import decompress

    content = bytearray(decompress(project_streams()[("VBA", "dir")], Budget(Limits())))
    at = content.index(b"\x03\x00\x02\x00\x00\x00")
    content[at + 6 : at + 8] = number.to_bytes(2, "little")
    return changed(dir=bytes(compress(bytes(content))))


UNLIKE_A_MODULE = (
    b"\x01"
    + (0xB000 | 45 + 2 - 3).to_bytes(2, "little")
    + b"".join(b"\x00" + b"Sub AutoOpen()\r\n  x = 1 + 1\r\nEnd Sub \r\n "[at : at + 8] for at in range(0, 40, 8))
)

FILES = {
    "armed-unicode-stream.docm": lambda: docm(renamed("Модуль1")),
    "armed-random-stream.doc": lambda: doc(renamed("x7Qk!2")),
    "armed-internal-stream-name.docm": lambda: docm(renamed("__SRP_7")),
    "armed-damaged-directory.docm": lambda: docm(changed(dir=b"\x01\xff\xff\xff")),
    "armed-oversized-directory.docm": lambda: docm(changed(dir=project_streams()[("VBA", "dir")] + bytes(200_000))),
    "armed-no-directory.doc": lambda: doc(changed(dir=None)),
    "armed-no-directory-odd-source.docm": lambda: docm(changed(dir=None, Module1=b"\x07\x05" * 9 + UNLIKE_A_MODULE)),
    "armed-hidden-module.docm": lambda: docm(
        {path: c.replace(b"Module=Module1\r\n", b"") for path, c in project_streams().items()}
    ),
    "armed-raw-chunk.docm": lambda: docm(
        changed(Module1=raw_chunk(f'Attribute VB_Name = "Module1"\r\n{AUTOOPEN}'.encode()))
    ),
    "armed-short-chunks.docm": lambda: docm(changed(Module1=short_chunks(AUTOOPEN))),
    "armed-ebcdic.docm": lambda: docm(in_code_page(37)),
    "armed-utf-7.docm": lambda: docm(in_code_page(65000)),
    "armed-other-storage.doc": lambda: in_storage("Any Name"),
    "armed-module-gone.docm": lambda: docm(changed(Module1=None)),
    "armed-several-in-a-line.docm": lambda: word.docm(
        "Sub A(): End Sub: Sub AutoOpen(): End Sub: Sub B(): End Sub\r\n"
    ),
    "armed-continued-comment.docm": lambda: word.docm("' a comment _\r\nSub AutoOpen()\r\nEnd Sub\r\n"),
    "clean-short-chunks.docm": lambda: docm(changed(NOTHING, Module1=short_chunks(NOTHING))),
    "clean.docx": samples.docx,
}
