"""YARA rules: signatures of the operator's own, for every part that is looked into and for the source of every macro.

Contract: ``RuleSet.compile`` takes rule files and gives rules that work, or raises ``ValueError`` with one sentence for
each mistake, file and line first. What would be slow on the wrong message is a mistake as well: patterns the compiler
calls slow, and rules that take too long on ``PROBES``. ``RuleSet.match`` raises ``TooSlow`` when the time is up; it
never returns a part of the answer. A file may include no other, and reads nothing while it is matched.

yara-x counts time in a thread of its own, which the first match starts; a jailed worker has to have it before its doors
close, so ``compile`` matches something.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.closed_sets import Verdict

if TYPE_CHECKING:
    import yara_x

SECONDS = 2
"""For one part. yara-x looks at the clock once a second, so it may be a second less."""
MAX_MATCHES = 1000
"""Of one pattern in one part; a condition that counts further never holds."""
MAX_TOLD = 10
"""Findings about one part; the worst first."""
MAX_TEXT = 16 << 20
"""Characters of all rule files together."""

MACRO_LANGUAGES = ("vba", "xlm")
"""``filetype`` in a condition is the type of the part (``docm``, ``html``...) or, for macro source, one of these."""

PROBES = (b"a" * 40_000, b"0123456789ABCDEF" * 2_500, b"the quick brown fox\r\n" * 2_000, bytes(40_000))
"""What every rule has to get through in time before it is put to use: inputs that make careless loops long."""

_TEXTS = ("id", "title", "why", "reference", "test", "test_as")


class TooSlow(Exception):
    """The rules were not done in time."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One rule as people see it. ``id`` and ``title`` come from its meta section, else from its name; ``test`` is
    content it has to match, taken for a part of the type ``test_as``."""

    file: str
    name: str
    id: str
    title: str
    why: str = ""
    reference: str = ""
    test: bytes = b""
    test_as: str = ""
    verdict: Verdict = Verdict.SUSPICIOUS


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that matched, and where in the content its first pattern did (0 if it has none)."""

    signature: Signature
    at: int


class RuleSet:
    """Compiled rules. Not thread safe; ``RuleSet()`` has no rule and costs nothing."""

    def __init__(self, signatures: tuple[Signature, ...] = (), rules: yara_x.Rules | None = None) -> None:
        self.signatures = signatures
        self._by_name = {(signature.file, signature.name): signature for signature in signatures}
        self._scanner = None if rules is None else _scanner(rules)
        self._filetype = ""

    @classmethod
    def compile(cls, files: Sequence[tuple[str, str]]) -> RuleSet:
        """Rules out of (name, text) of each file. Raises ``ValueError``, a sentence a line."""
        if not files:
            return cls()
        rules, mistakes = _compiled(files)
        signatures = tuple(_signature(rule, mistakes) for rule in rules or ())
        mistakes += _doubled(signatures)
        if mistakes or rules is None:
            raise ValueError("\n".join(mistakes))
        made = cls(signatures, rules)
        if not _is_quick(made):
            raise ValueError("\n".join(_slow(files)))
        return made

    def match(self, content: bytes, filetype: str, seconds: float = SECONDS) -> list[Hit]:
        """The rules that match, worst first, at most ``MAX_TOLD``. Raises ``TooSlow``."""
        if self._scanner is None:
            return []
        import yara_x

        if filetype != self._filetype:
            self._scanner.set_global("filetype", str(filetype))  # not an enum's member, which yara-x refuses
            self._filetype = filetype
        self._scanner.set_timeout(max(1, min(SECONDS, int(seconds))))
        try:
            found = self._scanner.scan(content).matching_rules
        except yara_x.TimeoutError:
            raise TooSlow(f"the YARA rules were not done within {SECONDS} seconds") from None
        hits = [Hit(self._by_name[rule.namespace, rule.identifier], _first(rule)) for rule in found]
        return sorted(hits, key=lambda hit: -hit.signature.verdict)[:MAX_TOLD]


def _compiler() -> yara_x.Compiler:
    import yara_x

    compiler = yara_x.Compiler(error_on_slow_pattern=True, includes_enabled=False)
    compiler.define_global("filetype", "")
    return compiler


def _compiled(files: Sequence[tuple[str, str]]) -> tuple[yara_x.Rules | None, list[str]]:
    import yara_x

    if sum(len(text) for _, text in files) > MAX_TEXT:
        return None, [f"The YARA files have more than {MAX_TEXT} characters."]
    compiler = _compiler()
    for name, text in files:
        compiler.new_namespace(name)
        try:
            compiler.add_source(text, origin=name)
        except yara_x.CompileError:
            continue  # it is in errors(), with all the others
    mistakes = [_mistake(error) for error in compiler.errors()]
    return (None, mistakes) if mistakes else (compiler.build(), [])


def _mistake(error: dict[str, Any]) -> str:
    """``downloads.yar line 3 column 5: unknown identifier `x` (this identifier has not been declared)``."""
    labels = [label for label in error.get("labels", ()) if label.get("level") == "error"] or [{}]
    file, text = labels[0].get("code_origin") or "", labels[0].get("text", "")
    place = f"{file} line {error.get('line', '?')} column {error.get('column', '?')}".strip()
    return f"{place}: {error.get('title', 'is no rule')}" + (f" ({text})" if text else "")


def _signature(rule: yara_x.Rule, mistakes: list[str]) -> Signature:
    meta = dict(rule.metadata)
    called = f"{rule.namespace}, rule {rule.identifier}"
    test = meta.get("test", b"")
    texts = {key: _text(meta.get(key, "")) for key in _TEXTS}
    try:
        verdict = Verdict.of(str(meta.get("verdict", Verdict.SUSPICIOUS.label)))
    except KeyError:
        words = ", ".join(verdict.label for verdict in Verdict)
        mistakes.append(f"{called}: verdict {meta['verdict']!r} is none of {words}")
        verdict = Verdict.SUSPICIOUS
    return Signature(
        file=rule.namespace,
        name=rule.identifier,
        id=texts["id"] or rule.identifier,
        title=texts["title"] or _text(meta.get("description", "")) or f"matches the rule {rule.identifier}",
        why=texts["why"],
        reference=texts["reference"],
        test=test if isinstance(test, bytes) else str(test).encode(),
        test_as=texts["test_as"],
        verdict=verdict,
    )


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _doubled(signatures: Iterable[Signature]) -> Iterator[str]:
    seen: dict[str, Signature] = {}
    for signature in signatures:
        other = seen.setdefault(signature.id, signature)
        if other is not signature:
            yield f"{signature.file}, rule {signature.name}: the id {signature.id} is that of {other.file} as well"


def _scanner(rules: yara_x.Rules) -> yara_x.Scanner:
    import yara_x

    scanner = yara_x.Scanner(rules)
    scanner.fast_scan(True)
    scanner.max_matches_per_pattern(MAX_MATCHES)
    return scanner


def _is_quick(rules: RuleSet) -> bool:
    try:
        for probe in PROBES:
            rules.match(probe, "text")
    except TooSlow:
        return False
    return True


def _slow(files: Sequence[tuple[str, str]]) -> list[str]:
    """A sentence for each file that is too slow by itself."""
    found = []
    for file in files:
        rules, _ = _compiled([file])
        signatures = tuple(_signature(rule, []) for rule in rules or ())
        if not _is_quick(RuleSet(signatures, rules)):
            found.append(f"{file[0]}: takes longer than {SECONDS} seconds for {len(PROBES[0])} bytes of plain content")
    return found or ["The YARA files together take too long for plain content."]


def _first(rule: yara_x.Rule) -> int:
    return min((match.offset for pattern in rule.patterns for match in pattern.matches), default=0)
