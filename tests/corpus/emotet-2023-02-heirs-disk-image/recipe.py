import tempfile
from pathlib import Path

import libarchive

from gateway import samples
from gateway.samples import mail as sample_mail
from tests.makers import museum


def image(name: str, content: bytes) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.iso"
        with libarchive.file_writer(str(path), "iso9660") as archive:
            archive.add_file_from_memory(name, len(content), content)
        return path.read_bytes()


def sent(files: dict[str, bytes]) -> bytes:
    return museum.reply("documents", "Please see the attachment.\n", files)


FILES = {
    "armed.eml": lambda: sent(
        {"docs.zip": sample_mail.zipped("docs.iso", image("readme.doc", samples.doc_autoopen()))}
    ),
    "clean.eml": lambda: sent({"docs.zip": sample_mail.zipped("readme.doc", samples.doc())}),
}
