from gateway import samples
from gateway.samples import vba
from gateway.scan.budget import Budget, Limits
from gateway.scan.documents import olevba
from gateway.scan.documents.olevba import second_reading


def test_olevba_reads_what_we_read():
    for data in (vba.project(samples.docm_autoopen()), samples.doc_autoopen()):
        modules = dict(second_reading(data, 99, Budget(Limits())))
        assert any("Sub AutoOpen()\nEnd Sub" in source for source in modules.values())


def test_what_olevba_cannot_read_is_no_opinion():
    assert second_reading(samples.doc_autoopen()[:700], 99, Budget(Limits())) == []


def test_a_large_file_is_not_given_to_olevba(monkeypatch):
    monkeypatch.setattr(olevba, "MAX_SIZE", 100)
    assert second_reading(samples.doc_autoopen(), 99, Budget(Limits())) == []


def test_much_source_is_not_given_to_olevba():
    assert second_reading(samples.doc_autoopen(), olevba.MAX_SOURCE + 1, Budget(Limits())) == []
