"""What was found, by part: container, member, document, in the order of the message.

Contract: pure, linear in the findings and parts; strangers choose their paths and how many there are. Paths are as in
``Finding.where``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from gateway.closed_sets import Verdict
from gateway.message import Finding, Part

DEEPEST = 10
"""Levels that are told apart; what lies deeper is shown with its whole remaining path."""


@dataclass(slots=True)
class Node:
    """One part, or a step on the way to one. ``where`` is its path, ``name`` what it adds to the path of the node it is
    in, ``verdict`` the worst of it and of all that is in it."""

    where: str
    name: str
    part: Part | None = None
    findings: list[Finding] = field(default_factory=list)
    inside: dict[str, Node] = field(default_factory=dict)
    verdict: Verdict = Verdict.CLEAN

    @property
    def open(self) -> bool:
        """Whether there is something to see in it."""
        return self.verdict > Verdict.CLEAN or bool(self.findings)


def tree(findings: Iterable[Finding], parts: Iterable[Part]) -> list[Node]:
    """The topmost nodes. Steps that are nothing by themselves are one with what is in them."""
    root = Node("", "")
    for part in parts:
        node = _at(root, part.where, part.verdict)
        if node.part is None or part.verdict > node.part.verdict:
            node.part = part
    for finding in findings:
        _at(root, finding.where, finding.verdict).findings.append(finding)
    return [_joined(node) for node in root.inside.values()]


def _at(root: Node, where: str, verdict: Verdict) -> Node:
    node = root
    for name in where.split("/", DEEPEST - 1):
        path = f"{node.where}/{name}" if node is not root else name
        node = node.inside.setdefault(name, Node(path, name))
        node.verdict = max(node.verdict, verdict)
    return node


def _joined(node: Node) -> Node:
    while len(node.inside) == 1 and node.part is None and not node.findings:
        (inner,) = node.inside.values()
        inner.name = f"{node.name}/{inner.name}"
        node = inner
    node.inside = {name: _joined(inner) for name, inner in node.inside.items()}
    return node


def walk(nodes: Iterable[Node]) -> Iterator[Node]:
    """All of them, each before what is in it."""
    for node in nodes:
        yield node
        yield from walk(node.inside.values())
