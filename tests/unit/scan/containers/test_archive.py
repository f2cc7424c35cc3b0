"""What libarchive reads for us, from memory, under the budget."""

import io
import lzma
import tarfile

import libarchive
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.scan.budget import Limits, OverLimit
from gateway.scan.containers import archive
from gateway.scan.look import Corrupt
from tests.makers.looks import look

FILES = {"a.txt": b"hello", "dir/b.bin": bytes(range(256)) * 40}


def written(format_name: str, files: dict[str, bytes] = FILES) -> bytes:
    """``files`` as libarchive itself writes them."""
    chunks: list[bytes] = []

    def keep(chunk: bytes) -> int:
        chunks.append(bytes(chunk))
        return len(chunk)

    with libarchive.custom_writer(keep, format_name) as target:
        for name, content in files.items():
            target.add_file_from_memory(name, len(content), content)
    return b"".join(chunks)


@pytest.mark.parametrize("format_name", ["ustar", "7zip", "iso9660", "cpio_newc"])
def test_members(format_name: str) -> None:
    handed = dict(look(archive.unpack, written(format_name)).handed)
    assert sorted(handed.values()) == sorted(FILES.values())
    if format_name != "iso9660":  # which has names of its own
        assert handed == FILES


def test_links_have_nothing_in_them() -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as target:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        target.addfile(link)
        entry = tarfile.TarInfo("a")
        entry.size = 1
        target.addfile(entry, io.BytesIO(b"x"))
    assert look(archive.unpack, file.getvalue()).handed == [("a", b"x")]


def test_a_bomb_stops_at_the_limit() -> None:
    with pytest.raises(OverLimit, match="unpacks"):
        look(archive.unpack, written("7zip", {"zeros": bytes(16 << 20)}), limits=Limits(max_unpacked_size=1 << 20))


@pytest.mark.parametrize(
    "data",
    [
        b"MSWIM\0\0\0" + bytes(100),
        b"conectix",
        b"xar!" + bytes(30),
        b"**ACE**",
        lzma.compress(b"x"),
        written("7zip")[:-20],
        b"MSCF" + bytes(50),
    ],
)
def test_what_cannot_be_read_is_corrupt(data: bytes) -> None:
    with pytest.raises(Corrupt):
        look(archive.unpack, data)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["ustar", "7zip", "cpio_newc"]), st.data())
def test_any_change_of_bytes_is_survived(format_name: str, data: st.DataObject) -> None:
    whole = bytearray(written(format_name))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        look(archive.unpack, bytes(whole), limits=Limits(max_unpacked_size=1 << 20))
    except (Corrupt, OverLimit):
        assert whole
