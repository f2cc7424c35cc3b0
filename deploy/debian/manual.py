"""Writes macrogate(1) to standard output: the command line as it describes itself, in the macros of man(7).

Contract: run by the Python that has Macrogate. Every command is in it, those of groups too, with every option.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator

import click

from gateway import __version__
from gateway.cli import main

AFTER = """\
.SH FILES
.TP
.I /etc/macrogate/macrogate.toml
The configuration. Every key stands in it with its default;
.I /usr/share/doc/macrogate/docs/configuration.md
explains each.
.TP
.I /var/lib/macrogate
What is held, with its index and its journal.
.SH SEE ALSO
.IR /usr/share/doc/macrogate/docs ,
.IR /usr/share/doc/macrogate/postfix ,
.BR postconf (5),
.BR systemd.socket (5)
"""


def roff(text: str) -> str:
    """``text`` as words: what man(7) would take for an order or a hyphen is escaped."""
    return re.sub(r"^(?=[.'])", r"\\&", text.replace("\\", r"\e").replace("-", r"\-"), flags=re.MULTILINE)


def paragraphs(text: str) -> str:
    """The help of a command; what stands behind click's ``\\b`` keeps its lines."""
    parts = []
    for part in inspect.cleandoc(text.partition("\f")[0]).split("\n\n"):
        kept = part.startswith("\b\n")
        words = roff(part.removeprefix("\b\n"))
        parts.append(f".nf\n{words}\n.fi\n" if kept else f"{words}\n")
    return ".PP\n".join(parts)


def options(context: click.Context) -> Iterator[str]:
    """A tagged paragraph for each option; ``--help`` is told once, at the top."""
    for parameter in context.command.get_params(context):
        told = parameter.get_help_record(context)
        if told is not None and (context.parent is None or "--help" not in parameter.opts):
            yield f".TP\n.B {roff(told[0])}\n{roff(told[1])}\n"


def commands(context: click.Context) -> Iterator[str]:
    """Every command below ``context``, each with what it says of itself."""
    group = context.command
    assert isinstance(group, click.Group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context)
        usage = " ".join(command.collect_usage_pieces(inner))
        yield f".SS {roff(f'{inner.command_path} {usage}')}\n{paragraphs(command.help or '')}"
        yield from options(inner)
        if isinstance(command, click.Group):
            yield from commands(inner)


def page() -> str:
    """The whole page."""
    top = click.Context(main, info_name="macrogate")
    return (
        f'.TH MACROGATE 1 "" "macrogate {__version__}"\n'
        ".SH NAME\nmacrogate \\- stop documents that run macros by themselves, in front of Postfix\n"
        ".SH SYNOPSIS\n.B macrogate\n.RI [ options ]\n.I command\n.RI [ arguments ]\n"
        f".SH DESCRIPTION\n{paragraphs(main.help or '')}.SH OPTIONS\n{''.join(options(top))}"
        f".SH COMMANDS\n{''.join(commands(top))}{AFTER}"
    )


if __name__ == "__main__":
    sys.stdout.write(page())
