import io

from gateway import samples


def locked(content: bytes, password: str) -> bytes:
    from msoffcrypto.format.ooxml import OOXMLFile

    result = io.BytesIO()
    OOXMLFile(io.BytesIO(content)).encrypt(password, result)
    return result.getvalue()


FILES = {
    "default-password.xlsm": lambda: locked(samples.xlsm_workbook_open(), "VelvetSweatshop"),
    "other-password.docm": lambda: locked(samples.docm_autoopen(), "correct horse"),
}
