"""YARA files as the commands see them: what is wrong with them, and whether each rule does what its own test says.

Contract: nothing here ends the process or prints; mistakes are sentences that name file and rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from gateway.closed_sets import Kind
from gateway.samples import mail
from gateway.scan import Limits, ScanRules, examine
from gateway.scan.yara import RuleSet
from gateway.wiring import WiringError, yara_files

HONEST: dict[str, Callable[[], bytes]] = {
    "a message of plain text": mail.plain_message,
    "a message in HTML with a picture": mail.html_message,
    "a clean Word document": mail.docx_message,
    "a clean Excel workbook": mail.xlsx_message,
    "a message in Japanese with a clean document": mail.japanese_message,
}
"""What no YARA rule may match."""


def load_yara(folder: Path) -> tuple[RuleSet, list[str]]:
    """The YARA rules of a folder, and a sentence for each mistake in them; with one, the rules are none."""
    try:
        return RuleSet.compile(yara_files(folder)), []
    except WiringError as error:
        return RuleSet(), [str(error)]
    except ValueError as error:
        return RuleSet(), [f"{folder}/{line}" for line in str(error).splitlines()]


def examine_yara(rules: ScanRules) -> Iterator[str]:
    """A sentence for each YARA rule that does not match its own test, or matches something honest."""
    for signature in rules.yara.signatures:
        called = f"{signature.file}, rule {signature.name}"
        missing = [key for key in ("why", "reference", "test") if not getattr(signature, key)]
        if missing:
            yield f"{called}: has no {' and no '.join(missing)}"
        hits = rules.yara.match(signature.test, signature.test_as or "text") if signature.test else []
        if signature.test and signature not in [hit.signature for hit in hits]:
            yield f"{called}: does not match its own test"
    named = {signature.id: signature for signature in rules.yara.signatures}
    for what, message in HONEST.items():
        for finding in examine(message(), rules=rules, limits=Limits()).findings:
            if finding.kind is Kind.YARA:
                signature = named[finding.reference]
                yield f"{signature.file}, rule {signature.name}: matches {what}"
