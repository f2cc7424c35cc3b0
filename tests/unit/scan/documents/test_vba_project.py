import pytest
from pyopenvba.vba import compress

from gateway import samples
from gateway.samples import vba as made
from gateway.samples.compound import compound_file, streams_of
from gateway.scan.budget import Budget, Limits
from gateway.scan.documents.compound import CompoundFile
from gateway.scan.documents.vba_compression import decompress
from gateway.scan.documents.vba_project import find_projects, read_projects

PROJECT = made.project(samples.docm_autoopen())
ORIGINAL = streams_of(PROJECT)
MODULE = ("VBA", "Module1")


def read(streams: dict) -> list:
    return read_projects(CompoundFile(compound_file(streams)), Budget(Limits()))


def sources(projects: list) -> str:
    return "\n".join(module.source for project in projects for module in project.modules)


def with_compiled_code(lines: int, source: bytes) -> dict:
    """The project with a performance cache of ``lines`` compiled lines in front of the source of Module1."""
    cache = b"\x02" * 40 + b"\xfe\xca\x01\x00" + lines.to_bytes(2, "little") + b"\x02" * 40
    directory = bytearray(decompress(ORIGINAL[("VBA", "dir")], Budget(Limits())))
    record = directory.index(b"\x31\x00\x04\x00\x00\x00", directory.index(b"Module1"))
    directory[record + 6 : record + 10] = len(cache).to_bytes(4, "little")
    return {**ORIGINAL, ("VBA", "dir"): compress(bytes(directory)), MODULE: cache + source}


SOURCE = b'Attribute VB_Name = "Module1"\r\nSub AutoOpen()\r\n    x = 1 + _\r\n        2\r\nEnd Sub\r\n'
EMPTY = b'Attribute VB_Name = "Module1"\r\n'


def test_modules_are_read_with_their_names():
    (project,) = read(ORIGINAL)
    assert {module.name for module in project.modules} >= {"ThisDocument", "Module1"}
    assert "Sub AutoOpen()" in sources([project])
    assert made.MARKER in sources([project])
    assert not project.unreadable
    assert not project.stomped


def test_a_binary_document_has_its_project_deeper():
    file = CompoundFile(samples.doc_autoopen())
    assert find_projects(file) == [("Macros", "VBA")]


def test_a_module_the_directory_does_not_list_is_read():
    hidden = compress(b'Attribute VB_Name = "Hidden"\r\nSub Document_Open()\r\nEnd Sub\r\n')
    assert "Document_Open" in sources(read({**ORIGINAL, ("VBA", "unlisted"): hidden}))


def test_without_a_directory_the_streams_are_searched():
    streams = {path: content for path, content in ORIGINAL.items() if path != ("VBA", "dir")}
    assert "Sub AutoOpen()" in sources(read(streams))


def test_a_stream_with_more_places_than_are_tried_is_told():
    (found,) = read({**ORIGINAL, ("VBA", "unlisted"): b"\x01\x02\xb0\x02\xff\xff" * 300})
    assert found.unreadable == ["unlisted"]
    assert "Sub AutoOpen()" in sources([found])


def test_with_a_damaged_directory_the_streams_are_searched():
    assert "Sub AutoOpen()" in sources(read({**ORIGINAL, ("VBA", "dir"): b"\x01damaged"}))


@pytest.mark.parametrize(
    ("lines", "source", "stomped"),
    [
        (3, compress(SOURCE), []),  # a continued line counts once
        (4, compress(SOURCE), ["Module1"]),
        (3, compress(EMPTY), ["Module1"]),
        (0, compress(EMPTY), []),
        (3, bytes(200), ["Module1"]),
        (3, compress(b"\0" * 60), ["Module1"]),
        (3, b"", ["Module1"]),
    ],
)
def test_compiled_code_from_another_source_is_stomped(lines, source, stomped):
    (project,) = read(with_compiled_code(lines, source))
    assert project.stomped == stomped
    assert not project.unreadable


def test_source_that_is_not_where_the_directory_says_is_found():
    (project,) = read(with_compiled_code(3, b"\x03" * 11 + compress(SOURCE)))
    assert "Sub AutoOpen()" in sources([project])


def test_a_listed_module_without_a_stream_is_unreadable():
    streams = {path: content for path, content in ORIGINAL.items() if path != MODULE}
    (project,) = read(streams)
    assert project.unreadable == ["Module1"]


def test_a_storage_of_excel_95_is_superseded_by_the_current_one():
    current = {("_VBA_PROJECT_CUR", *path): content for path, content in ORIGINAL.items()}
    assert len(read({**current, ("_VBA_PROJECT", "dir"): b"old"})) == 1


def test_names_and_comments_in_the_code_page_of_the_project_are_read():
    source = compress('Attribute VB_Name = "Module1"\r\n\' größer\r\n'.encode("cp1252"))
    assert "größer" in sources(read({**ORIGINAL, MODULE: source}))


def test_of_two_streams_with_one_name_both_are_read():
    other = compress(b'Attribute VB_Name = "Module1"\r\nSub Document_Close()\r\nEnd Sub\r\n')
    data = compound_file({**ORIGINAL, ("VBA", "Module9"): other})
    twice = data.replace("Module9".encode("utf-16-le"), "Module1".encode("utf-16-le"))
    file = CompoundFile(twice)
    assert len(file.streams("Module1")) == 2
    found = sources(read_projects(file, Budget(Limits())))
    assert "AutoOpen" in found
    assert "Document_Close" in found


def test_source_that_breaks_off_is_told():
    broken = compress(SOURCE) + b"\x01\x50 Sub AutoOpen()"
    (project,) = read({**ORIGINAL, ("VBA", "dir"): ORIGINAL[("VBA", "dir")], **at_the_start(broken)})
    assert "Module1" in project.unreadable
    (project,) = read({**ORIGINAL, **at_the_start(compress(SOURCE) + bytes(64))})
    assert project.unreadable == []


def at_the_start(packed: bytes) -> dict:
    return {
        path: content for path, content in with_compiled_code(3, packed).items() if path in {MODULE, ("VBA", "dir")}
    }


@pytest.mark.parametrize(("current", "places"), [("dir", 1), ("x", 2)])
def test_a_project_is_superseded_only_by_another_one(current, places):
    old = {("_VBA_PROJECT", *path[1:]): content for path, content in ORIGINAL.items() if path[0] == "VBA"}
    file = CompoundFile(compound_file({**old, ("_VBA_PROJECT_CUR", "VBA", current): b"x"}))
    assert len(find_projects(file)) == places


def test_what_lies_around_many_projects_is_read_once():
    listing = b"Class=M\r\n" * 7000
    projects = {(f"v{number}", "dir"): b"" for number in range(100)}
    file = CompoundFile(compound_file({**projects, ("form", "\x03VBFrame"): b"x", ("PROJECT",): listing}))
    budget = Budget(Limits())
    assert len(read_projects(file, budget)) == 100
    assert len(listing) <= budget.unpacked < 2 * len(listing)


def test_a_directory_that_lists_more_modules_than_it_can_count_is_told():
    modules = b"".join(b"\x19\0\1\0\0\0M" for _ in range(0x10001))
    (project,) = read({**ORIGINAL, ("VBA", "dir"): compress(modules)})
    assert len(project.unreadable) == 0x10000
    assert "dir" in project.unreadable
    assert "Sub AutoOpen()" in sources([project])
