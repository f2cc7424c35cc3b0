import struct

from gateway import samples
from tests.makers.vba import AUTOOPEN, NOTHING, doc, docm, module, project_streams

# The head of the table of lines in compiled code: the number of source lines it was made from.
LINES = b"\x00" * 16 + b"\xfe\xca\x01\x00" + struct.pack("<H", 4) + b"\x00" * 8


def stomped(source: str | None, cache: bytes = LINES, names: bytes = b"") -> dict[tuple[str, ...], bytes]:
    """A project whose ``Module1`` has compiled code and this source, or zeros in its place."""
    streams = project_streams()
    whole = module(AUTOOPEN, cache=cache)
    zeroed = cache + bytes(len(whole) - len(cache))
    streams[("VBA", "Module1")] = zeroed if source is None else module(source, cache=cache)
    streams[("VBA", "dir")] = with_offset(streams[("VBA", "dir")], len(cache))
    streams[("VBA", "_VBA_PROJECT")] += names
    return streams


def with_offset(packed: bytes, offset: int) -> bytes:
    """The directory with the offset of the last module's source changed (MS-OVBA 2.3.4.2.3.2.5)."""
    from pyopenvba.vba import compress

    from gateway.scan.budget import Budget, Limits
    from gateway.scan.documents.vba_compression import decompress

    content = bytearray(decompress(packed, Budget(Limits())))
    at = content.rindex(b"\x31\x00\x04\x00\x00\x00")
    struct.pack_into("<I", content, at + 6, offset)
    return bytes(compress(bytes(content)))


FILES = {
    "armed-zeroed.docm": lambda: docm(stomped(None)),
    "armed-zeroed.doc": lambda: doc(stomped(None)),
    "armed-replaced.docm": lambda: docm(stomped(NOTHING)),
    "armed-same-number-of-lines.docm": lambda: docm(
        stomped("Sub Nice()\r\nDim x\r\nx = 1\r\nEnd Sub\r\n", names=b"\x00\x08\x00AutoOpen\x00")
    ),
    "armed-decoy-at-the-offset.docm": lambda: docm(stomped(NOTHING, cache=module(AUTOOPEN) + LINES)),
    "clean.docx": samples.docx,
    "clean-compiled-and-empty.docm": lambda: docm(
        stomped(NOTHING, cache=LINES.replace(struct.pack("<H", 4) + b"\x00" * 8, struct.pack("<H", 1) + b"\x00" * 8))
    ),
}
