from gateway import samples
from gateway.samples.mail import zipped


def locked() -> bytes:
    data = bytearray(zipped("Invoice.docm", samples.docm_autoopen()))
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + flags] |= 1
    start = data.index(b"Invoice.docm") + 12
    data[start : start + 64] = bytes(range(64))
    return bytes(data)


FILES = {
    "clean.zip": lambda: zipped("Minutes.docx", samples.docx()),
    "autoopen.zip": lambda: zipped("Invoice.docm", samples.docm_autoopen()),
    "nested.zip": lambda: zipped("inner.zip", zipped("Invoice.xls", samples.xls_workbook_open())),
    "locked.zip": locked,
}
