import struct
import zlib

from gateway import samples
from gateway.samples import vba
from gateway.samples.compound import compound_file


def presentation(content: bytes) -> bytes:
    packed = struct.pack("<I", len(content)) + zlib.compress(content)
    record = struct.pack("<HHI", 1 << 4, 0x1011, len(packed)) + packed
    return compound_file({("PowerPoint Document",): struct.pack("<HHI", 0, 1000, 40) + bytes(40) + record})


FILES = {"macro.ppt": lambda: presentation(vba.project(samples.docm_macro()))}
