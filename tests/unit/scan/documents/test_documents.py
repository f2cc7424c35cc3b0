from gateway.closed_sets import FileType
from gateway.scan.documents import DOCUMENTS

MACRO_CARRIERS = {
    *(FileType.DOC, FileType.XLS, FileType.PPT, FileType.OLE, FileType.VBA_PROJECT),
    *(FileType.DOCX, FileType.DOCM, FileType.XLSX, FileType.XLSM, FileType.XLSB, FileType.PPTX, FileType.PPTM),
    *(FileType.OOXML, FileType.FLAT_OPC, FileType.WORD_XML, FileType.EXCEL_XML, FileType.ACTIVEMIME),
}


def test_every_type_that_carries_macros_has_a_reader():
    assert {kind for types, _ in DOCUMENTS for kind in types} >= MACRO_CARRIERS


def test_no_type_that_carries_macros_has_two_readers():
    kinds = [kind for types, _ in DOCUMENTS for kind in types if kind in MACRO_CARRIERS]
    assert len(kinds) == len(set(kinds))
