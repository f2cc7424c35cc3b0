"""Inert documents and messages, made by our own code: for ``macrogate demo``, ``macrogate selftest`` and every test.

Contract: each function takes no argument (or says which) and returns bytes that Word, Excel or a mail program opens.
Each macro is an empty procedure with a comment that says so; nothing in them does anything. Results are remembered,
because some take milliseconds to make. Only run-time dependencies are used.
"""

from __future__ import annotations

from gateway.samples.excel import (
    xlam_workbook_open,
    xls,
    xls_workbook_open,
    xls_xlm_auto_open,
    xlsb_workbook_open,
    xlsb_xlm_auto_open,
    xlsm_workbook_open,
    xlsm_xlm_auto_open,
    xlsx,
)
from gateway.samples.mail import selftest_message
from gateway.samples.word import doc, doc_autoopen, docm_autoopen, docm_macro, docx

__all__ = [
    "doc",
    "doc_autoopen",
    "docm_autoopen",
    "docm_macro",
    "docx",
    "selftest_message",
    "xlam_workbook_open",
    "xls",
    "xls_workbook_open",
    "xls_xlm_auto_open",
    "xlsb_workbook_open",
    "xlsb_xlm_auto_open",
    "xlsm_workbook_open",
    "xlsm_xlm_auto_open",
    "xlsx",
]
