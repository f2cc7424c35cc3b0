from gateway import samples

END, DIRECTORY, LOCAL = b"PK\x05\x06", b"PK\x01\x02", b"PK\x03\x04"


def without_end(data: bytes) -> bytes:
    return data[: data.rindex(END)]


def without_directory(data: bytes) -> bytes:
    return data[: data.index(DIRECTORY)]


def from_the_project(data: bytes) -> bytes:
    """Cut in front: it begins with the member of the project."""
    return data[data.index(b"word/vbaProject.bin") - 30 :]


FILES = {
    "armed-no-end.docm": lambda: without_end(samples.docm_autoopen()),
    "armed-no-directory.docm": lambda: without_directory(samples.docm_autoopen()),
    "armed-cut-in-front.docm": lambda: from_the_project(samples.docm_autoopen()),
    "armed-end-signature.docm": lambda: samples.docm_autoopen().replace(END, b"PK\x05\x07"),
    "armed-directory-signatures.docm": lambda: samples.docm_autoopen().replace(DIRECTORY, b"PK\x01\x07"),
    "armed-first-bytes.docm": lambda: b"XX" + samples.docm_autoopen()[2:],
    "armed-no-end.xlsm": lambda: without_end(samples.xlsm_workbook_open()),
    "clean.docx": samples.docx,
}
