import struct


def sheet(kind: int) -> bytes:
    return struct.pack("<HHHHH", 0x0409, 6, 0, kind, 0) + b"\x0a\x00\x00\x00"


FILES = {
    "clean.slk": lambda: b"ID;PWXL;N;E\r\nC;Y1;X1;K1\r\nE\r\n",
    "xlm.slk": lambda: b"ID;P\r\nO;E\r\nNN;NAuto_open;ER1C1;F\r\nC;X1;Y1;ERETURN()\r\nE\r\n",
    "clean-excel4.xls": lambda: sheet(0x10),
    "macro-excel4.xls": lambda: sheet(0x40),
}
