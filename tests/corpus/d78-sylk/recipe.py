SLK = (
    b'ID;P\r\nO;E\r\nNN;NAuto_open;ER2C1;F\r\nC;X1;Y1;K"inert"\r\nC;X1;Y2;K0;EALERT("in"&"ert")\r\n'
    b"C;X1;Y3;ERETURN()\r\nE\r\n"
)

FILES = {
    "armed.slk": lambda: SLK,
    "armed-cr.slk": lambda: SLK.replace(b"\r\n", b"\r"),
    "armed-mark.slk": lambda: b"\xef\xbb\xbf" + SLK,
    "armed-utf16.slk": lambda: SLK.decode().encode("utf-16"),
    "armed-nul.slk": lambda: SLK.replace(b"Auto_open", b"Au\0to_o\0pen"),
    "armed-order.slk": lambda: SLK.replace(b"O;E", b"O;V0;E").replace(b"NN;N", b"NN;F;G;N"),
    "armed-suffix.slk": lambda: SLK.replace(b"Auto_open", b"AUTO_OPEN12"),
    "armed-close.slk": lambda: SLK.replace(b"Auto_open", b"Auto_Close"),
    "armed-no-name.slk": lambda: SLK.replace(b"Auto_open", b"Other"),
    "armed-dde.slk": lambda: b"ID;P\r\nC;X1;Y1;K0;Ecmd|'/c echo inert'!A0\r\nE\r\n",
    "clean.slk": lambda: b"ID;PWXL;N;E\r\nO;L;D\r\nC;Y1;X1;K-1;ESUM(R1C2:R1C3)\r\nE\r\n",
}
