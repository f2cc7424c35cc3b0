from gateway import samples
from tests.makers import locks, museum, zips


def sent(document: bytes) -> bytes:
    locked = zips.build([locks.zip_crypto("F_2112.xls", document, b"BDHX")])
    return museum.reply("pack 2112", "Zip password: BDHX\n", {"F_2112.zip": locked})


FILES = {"armed.eml": lambda: sent(samples.xls_xlm_auto_open(2)), "clean.eml": lambda: sent(samples.xls())}
