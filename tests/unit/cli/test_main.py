"""The command line as a whole: help that teaches, and quick."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from gateway import __version__
from gateway.cli import COMMANDS, main


def test_help_names_every_command_and_the_exit_codes() -> None:
    result = CliRunner().invoke(main, ["--help"])

    assert result.exit_code == 0
    for name in COMMANDS:
        assert name in result.output
    assert "Exit codes" in result.output


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])

    assert result.exit_code == 0
    assert len(result.output.splitlines()) > 5


def test_an_unknown_command_is_a_usage_error() -> None:
    result = CliRunner().invoke(main, ["serv"])

    assert result.exit_code == 2
    assert "serv" in result.output


def test_the_version() -> None:
    assert __version__ in CliRunner().invoke(main, ["--version"]).output


def test_help_loads_no_heavy_library() -> None:
    heavy = ("oletools", "sqlalchemy", "rich", "uvicorn", "starlette")
    code = f"import sys; import gateway.cli; print([name for name in {heavy} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    assert result.stdout.strip() == "[]"
