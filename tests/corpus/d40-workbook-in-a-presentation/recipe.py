from gateway import samples
from gateway.samples.package import content_types, package, parts_of

_OPEN = "application/vnd.openxmlformats-officedocument.presentationml"
_CHART = "ppt/embeddings/Microsoft_Excel_Sheet.xlsm"


def _pptx(content: bytes, name: str = _CHART) -> bytes:
    types = content_types({"/ppt/presentation.xml": f"{_OPEN}.presentation.main+xml"})
    return package({"[Content_Types].xml": types, "ppt/presentation.xml": "<presentation/>", name: content})


def _docx(content: bytes) -> bytes:
    return package({**parts_of(samples.docx()), "word/embeddings/Microsoft_Excel_Worksheet.xlsx": content})


FILES = {
    "armed-vba.pptx": lambda: _pptx(samples.xlsm_workbook_open()),
    "armed-xlm.pptx": lambda: _pptx(samples.xlsm_xlm_auto_open()),
    "armed-binary.pptx": lambda: _pptx(samples.xlsb_xlm_auto_open(), "ppt/embeddings/Microsoft_Excel_Binary.xlsb"),
    "armed-xls.pptx": lambda: _pptx(samples.xls_xlm_auto_open(), "ppt/embeddings/oleObject1.bin"),
    "armed-chart.docx": lambda: _docx(samples.xlsm_xlm_auto_open()),
    "armed-twice.pptx": lambda: _pptx(_docx(samples.xls_workbook_open()), "ppt/embeddings/document.docx"),
    "clean.pptx": lambda: _pptx(samples.xlsx()),
    "clean.docx": lambda: _docx(samples.xlsx()),
}
