FILES = {
    "invoice.lnk": lambda: bytes.fromhex("4C0000000114020000000000C000000000000046") + bytes(60),
    "invoice.wsf": lambda: b"<job><script language='JScript'>// INERT</script></job>",
    "program.exe": lambda: b"MZ" + bytes(58) + b"\x40\x00\x00\x00PE\x00\x00" + bytes(40),
}
