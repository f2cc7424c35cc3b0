FILES = {
    "invoice.lnk": lambda: bytes.fromhex("4C0000000114020000000000C000000000000046") + bytes(60),
    "invoice.wsf": lambda: b"<job><script language='JScript'>// INERT</script></job>",
    "notes.one": lambda: (
        bytes.fromhex("E4525C7B8CD8A74DAEB15378D02996D3")
        + bytes(64)
        + bytes.fromhex("E716E3BD65261145A4C48D4D0B7A9EAC")
        + bytes(32)
    ),
    "empty-notes.one": lambda: bytes.fromhex("E4525C7B8CD8A74DAEB15378D02996D3") + bytes(64),
    "program.exe": lambda: b"MZ" + bytes(58) + b"\x40\x00\x00\x00PE\x00\x00" + bytes(40),
}
