"""One document, compressed: it comes out as another one, compressed in the same way."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma

import pytest

from gateway.scan.disarm import CannotDisarm
from tests.makers import archives
from tests.unit.scan.disarm import stand_in
from tests.unit.scan.disarm.stand_in import ARMED, QUIET, run


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in.use(monkeypatch)


FORMS = {
    "gz": (gzip.compress, gzip.decompress, "application/gzip"),
    "bz2": (bz2.compress, bz2.decompress, "application/x-bzip2"),
    "xz": (lzma.compress, lzma.decompress, "application/x-xz"),
    "lzma": (lambda plain: lzma.compress(plain, lzma.FORMAT_ALONE), lzma.decompress, "application/x-lzma"),
}


@pytest.mark.parametrize("ending", FORMS)
def test_each_form_is_kept(ending: str) -> None:
    compress, decompress, media_type = FORMS[ending]
    result = run(compress(ARMED), f"x.docm.{ending}")
    assert (result.name, result.media_type) == (f"x.docx.{ending}", media_type)
    assert result.content[:2] == compress(ARMED)[:2]
    assert decompress(result.content) == QUIET


def test_the_name_inside_goes_and_the_time_stays() -> None:
    file = io.BytesIO()
    with gzip.GzipFile("Invoice.docm", "wb", fileobj=file, mtime=1700000000) as packer:
        packer.write(ARMED)
    result = run(file.getvalue(), "x.docm.gz").content
    assert b"Invoice" not in result
    with gzip.GzipFile(fileobj=io.BytesIO(result)) as unpacker:
        assert unpacker.read() == QUIET
        assert unpacker.mtime == 1700000000


def test_a_tar_file_inside() -> None:
    result = run(gzip.compress(archives.tar("x.docm", ARMED)), "x.tgz")
    assert result.name == "x.tgz"
    assert gzip.decompress(result.content).startswith(b"x.docx\0")


REFUSED = {
    "something behind it": (gzip.compress(ARMED) + b"more than nothing", "behind its end"),
    "cut off": (gzip.compress(ARMED)[:-20], "x.docm.gz"),
    "a program inside": (gzip.compress(b"MZ" + bytes(100)), "of the type executable"),
}


@pytest.mark.parametrize(("data", "why"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_certain_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(CannotDisarm, match=why):
        run(data, "x.docm.gz")
