"""``docs/coverage.md`` and ``docs/emotet.md`` say what the corpus shows, and no row of the catalogue is forgotten."""

from tests import coverage, rows


def test_every_row_is_shown_or_explained():
    assert coverage.missing() == []
    assert rows.complaints() == []


def test_the_pages_are_up_to_date():
    assert coverage.PAGE.read_text("utf-8") == coverage.page(), "run: python -m tests.coverage"
    assert coverage.MUSEUM.read_text("utf-8") == coverage.museum(), "run: python -m tests.coverage"


def test_a_folder_names_its_rows():
    assert coverage.rows_of("d24-macro-sheets") == ("d24",)
    assert coverage.rows_of("m106-d74-html") == ("m106", "d74")
    assert coverage.rows_of("m08-to-m11-m20-x") == ("m08", "m09", "m10", "m11", "m20")


def test_a_test_that_does_not_exist_proves_nothing():
    assert rows.exists("corpus/test_coverage.py::test_every_row_is_shown_or_explained")
    assert not rows.exists("corpus/test_coverage.py::test_nobody_wrote")
    assert not rows.exists("corpus/nowhere.py::test_every_row_is_shown_or_explained")
