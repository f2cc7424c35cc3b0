"""The bill of materials and the page of licences say what an installation has."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from gateway.samples import mail
from gateway.scan import Limits, examine
from tests.e2e.tools import DEPLOY, ROOT
from tests.makers.looks import RULES

PATH = DEPLOY / "sbom" / "make.py"


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sbom_make", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_both_files_are_current(maker: ModuleType) -> None:
    if sys.version_info[:2] != (3, 11):
        pytest.skip("the files are about Python 3.11, and other versions need other packages")
    old = [path.name for path, text in maker.files().items() if path.read_text() != text]
    assert old == [], "run: make sbom"


def test_every_version_is_the_one_that_is_pinned() -> None:
    components = json.loads((DEPLOY / "sbom/macrogate.cdx.json").read_text())["components"]
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().lower().split())
    assert {part["name"]: part["version"] for part in components}.items() <= {
        re.sub(r"[-_.]+", "-", name): version for name, version in pins.items()
    }.items()
    assert {"aiosmtpd", "oletools", "yara-x", "pyseccomp"} <= {part["name"] for part in components}
    assert not {"pytest", "playwright", "pebble"} & {part["name"] for part in components}


def test_every_component_has_the_digest_of_the_file_that_pip_installs() -> None:
    components = json.loads((DEPLOY / "sbom/macrogate.cdx.json").read_text())["components"]
    listed = dict(line.split()[::2] for line in (DEPLOY / "sbom/digests.txt").read_text().splitlines()[1:])
    assert listed == {f"{part['name']}=={part['version']}": part["hashes"][0]["content"] for part in components}
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in listed.values())
    assert len(set(listed.values())) == len(listed)


def test_the_digests_are_taken_from_a_report_of_pip(
    maker: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def item(name: str, come: dict[str, object]) -> dict[str, object]:
        return {"metadata": {"name": name, "version": "1.0"}, "download_info": come}

    archive = {"url": "https://files.test/x/Some_Thing-1.0.whl", "archive_info": {"hashes": {"sha256": "ab"}}}
    report = {"install": [item("Some_Thing", archive), item("macrogate", {"url": "file:///x", "dir_info": {}})]}
    (tmp_path / "report").write_text(json.dumps(report))
    monkeypatch.setattr(maker, "DIGESTS", tmp_path / "digests.txt")
    maker.take(tmp_path / "report")
    assert maker.digests() == {"some-thing==1.0": ("Some_Thing-1.0.whl", "ab")}


def test_every_pin_is_exact() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line)] == []


def test_the_provider_of_the_tests_is_pinned_by_digest_and_comes_from_no_named_host() -> None:
    packages = json.loads((ROOT / "tests/e2e/provider/package-lock.json").read_text())["packages"]
    needed = {name: package for name, package in packages.items() if name}
    assert "node_modules/oidc-provider" in needed
    assert [name for name, package in needed.items() if "resolved" in package or "integrity" not in package] == []


def test_what_has_conditions_is_told() -> None:
    page = (ROOT / "docs/licences.md").read_text()
    for name in ("pcodedmp", "oletools", "publicsuffixlist"):
        assert f"* **{name}**" in page
    assert "pebble (LGPL)" in page


WITHOUT = """
import sys
for name in ("pcodedmp", "oletools.thirdparty.xxxswf", "oletools.pyxswf"):
    sys.modules[name] = None  # who imports it gets an ImportError
from gateway.scan.documents import olevba
print(olevba.load().__module__)
from tests.unit.test_supply import judged
print(*judged())
"""


def judged() -> list[str]:
    """What is found in a document whose macro runs by itself."""
    return [str(each.kind) for each in examine(mail.docm_autoopen_message(), rules=RULES, limits=Limits()).findings]


def test_a_macro_is_found_without_anything_that_is_under_the_gpl() -> None:
    told = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False, timeout=600)
    assert told.stdout.split() == ["oletools.olevba", *judged()], told.stderr
    assert judged() == ["vba-autoexec"]


def test_nothing_of_ours_imports_what_is_under_the_gpl() -> None:
    sources = [path.read_text() for path in (ROOT / "gateway").rglob("*.py")]
    assert not any(re.search(r"^\s*(import|from) pcodedmp|pcode\s*\(", text, re.MULTILINE) for text in sources)
