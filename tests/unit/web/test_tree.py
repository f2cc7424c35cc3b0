from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.closed_sets import FileType, Kind, Verdict
from gateway.message import Finding, Part
from gateway.web.tree import DEEPEST, tree, walk


def part(where: str, verdict: Verdict = Verdict.CLEAN) -> Part:
    return Part(where, FileType.DOC, 1, "ab" * 32, verdict)


def test_findings_stand_where_they_were_found() -> None:
    finding = Finding.of(Kind.VBA_AUTOEXEC, "2/a.zip/b.docm", "it runs")
    other = Finding.of(Kind.ENCRYPTED, "2/a.zip", "locked")
    nodes = tree([finding, other], [part("1"), part("2/a.zip/b.docm", Verdict.AUTOEXEC), part("2/a.zip/c.txt")])
    told = [(node.where, node.name, node.verdict, len(node.findings)) for node in walk(nodes)]
    assert told == [
        ("1", "1", Verdict.CLEAN, 0),
        ("2/a.zip", "2/a.zip", Verdict.AUTOEXEC, 1),
        ("2/a.zip/b.docm", "b.docm", Verdict.AUTOEXEC, 1),
        ("2/a.zip/c.txt", "c.txt", Verdict.CLEAN, 0),
    ]
    assert [node.open for node in nodes] == [False, True]


def test_steps_that_are_nothing_by_themselves_are_one_with_what_is_in_them() -> None:
    (node,) = tree([], [part("2/a.zip/b.zip/c.doc")])
    assert (node.name, node.where, node.inside) == ("2/a.zip/b.zip/c.doc", "2/a.zip/b.zip/c.doc", {})


@given(st.lists(st.text(st.sampled_from("ab/"), max_size=60), max_size=30))
def test_every_part_is_there_and_nothing_is_deeper_than_it_may(paths: list[str]) -> None:
    nodes = tree([Finding.of(Kind.DDE, path, "x") for path in paths], [part(path) for path in paths])
    found = list(walk(nodes))
    assert {node.where for node in found if node.part} == set(paths)
    assert sum(len(node.findings) for node in found) == len(paths)

    def depth(inner: list[object]) -> int:
        return 1 + max((depth(list(node.inside.values())) for node in inner), default=0)  # type: ignore[attr-defined]

    assert depth(list(nodes)) <= DEEPEST + 1
