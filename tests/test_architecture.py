"""Who may import whom. The directions are the design: a message's bytes meet code only where that code may fail."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "gateway"
WIRING = {"gateway.daemon", "gateway.generation", "gateway.wiring", "gateway.__main__"}
VOCABULARY = {"gateway.message", "gateway.closed_sets", "gateway.readable"}
IO = {"asyncio", "socket", "subprocess", "threading", "http", "multiprocessing", "ssl", "select", "selectors"}


def _module(path: Path) -> str:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return name.removesuffix(".__init__")


def _for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        if not _for_types_only(child):
            yield from _nodes(child)


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in _nodes(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the direction"
            found |= {_source(str(node.module), alias.name) for alias in node.names}
    return found


def _source(module: str, name: str) -> str:
    """What ``from module import name`` depends on: the submodule of that name if there is one."""
    below = ROOT / module.replace(".", "/") / name
    return f"{module}.{name}" if below.is_dir() or below.with_suffix(".py").is_file() else module


MODULES = {_module(path): _imports(path) for path in sorted(PACKAGE.rglob("*.py"))}


def _ours(name: str) -> set[str]:
    """The modules of ours that ``name`` imports, in their own spelling."""
    return {imported for imported in MODULES[name] if imported in MODULES and imported not in {"gateway", name}}


def _below(prefix: str) -> list[str]:
    return [name for name in MODULES if name == prefix or name.startswith(prefix + ".")]


def test_the_vocabulary_imports_nothing_of_ours() -> None:
    assert _ours("gateway.closed_sets") == set()
    assert _ours("gateway.readable") == set()
    assert _ours("gateway.message") == {"gateway.closed_sets"}
    assert _ours("gateway.spool") == {"gateway.message"}
    assert _ours("gateway.failpoints") == set()


PURE = {*(name for name in MODULES if name.endswith(".protocol")), "gateway.milter.packets", "gateway.milter.words"}


@pytest.mark.parametrize("name", sorted(PURE))
def test_a_protocol_is_pure(name: str) -> None:
    """It knows the vocabulary, and what lies beside it and is as pure."""
    assert all(found in VOCABULARY or found in PURE for found in _ours(name))
    assert {found.rpartition(".")[0] for found in _ours(name) - VOCABULARY} <= {name.rpartition(".")[0]}
    assert not MODULES[name] & {"asyncio", "socket", "time"}


@pytest.mark.parametrize("name", _below("gateway.scan"))
def test_the_scan_is_pure_and_synchronous(name: str) -> None:
    allowed = {*VOCABULARY, *_below("gateway.scan")}
    assert _ours(name) <= allowed
    assert not {imported.split(".")[0] for imported in MODULES[name]} & IO


IN_FRONT = {f"gateway.authentication.{name}" for name in ("resolver", "authenticator", "seal", "secret")}


@pytest.mark.parametrize("name", [name for name in _below("gateway.authentication") if name not in IN_FRONT])
def test_what_reads_signatures_is_pure_and_knows_no_secret(name: str) -> None:
    pure = {below for below in _below("gateway.authentication") if below not in IN_FRONT}
    assert _ours(name) <= {*VOCABULARY, "gateway.scan.headers", *pure}
    assert not {imported.split(".")[0] for imported in MODULES[name]} & (IO | {"dns"})


def test_the_policy_knows_only_the_vocabulary() -> None:
    policy = [name for name in MODULES if name.startswith("gateway.policy")]
    for name in policy:
        assert _ours(name) <= {*VOCABULARY, "gateway.mistakes", *policy}


def test_the_pipeline_is_handed_its_steps() -> None:
    handed = {"gateway.spool", "gateway.failpoints", "gateway.policy", "gateway.events", "gateway.metrics"}
    assert _ours("gateway.pipeline") <= VOCABULARY | handed


@pytest.mark.parametrize("family", ["smtp", "milter", "web", "quarantine"])
def test_listeners_and_stores_do_not_know_each_other(family: str) -> None:
    others = {"smtp", "milter", "web", "quarantine"} - {family}
    forbidden = {name for other in others for name in _below(f"gateway.{other}")}
    forbidden |= {*_below("gateway.workers"), *_below("gateway.jail"), *_below("gateway.scan")}
    for name in _below(f"gateway.{family}"):
        assert not _ours(name) & forbidden, name


def test_only_daemon_and_commands_see_everything() -> None:
    for name in MODULES:
        if name.startswith(("gateway.cli", "gateway.daemon")) or name == "gateway.__main__":
            continue
        assert not {imported for imported in _ours(name) if imported.startswith(("gateway.cli", "gateway.daemon"))}, (
            name
        )


def test_nothing_unpickles() -> None:
    for name, imported in MODULES.items():
        assert not {found.split(".")[0] for found in imported} & {"pickle", "marshal", "shelve", "yaml"}, name


def test_every_module_says_what_it_promises() -> None:
    for path in PACKAGE.rglob("*.py"):
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), f"{path} has no contract at its head"


def test_no_file_is_long() -> None:
    """One of more than 400 lines has two jobs. There is no exception so far."""
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in PACKAGE.rglob("*.py")}
    assert lines
    assert not [f"{path.relative_to(ROOT)}: {length}" for path, length in lines.items() if length > 400]


def test_imports_form_no_cycle() -> None:
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " → ".join([*trail, name])
        if name not in done:
            for imported in sorted(_ours(name)):
                visit(imported, (*trail, name))
            done.add(name)

    for name in MODULES:
        visit(name, ())
