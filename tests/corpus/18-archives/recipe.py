import tempfile
from pathlib import Path

import libarchive

from gateway import samples


def archived(form: str, name: str = "invoice.docm", filter_name: str | None = None) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "archive"
        with libarchive.file_writer(str(path), form, filter_name) as archive:
            archive.add_file_from_memory(name, len(samples.docm_autoopen()), samples.docm_autoopen())
        return path.read_bytes()


FILES = {
    "invoice.tar": lambda: archived("ustar"),
    "invoice.7z": lambda: archived("7zip"),
    "invoice.iso": lambda: archived("iso9660"),
    "invoice.cpio": lambda: archived("cpio_newc"),
    "invoice.tar.zst": lambda: archived("ustar", filter_name="zstd"),
}
