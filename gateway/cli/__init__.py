"""The command line: ``macrogate COMMAND``. Each command group is one module, loaded only when it is asked for.

Exit codes of every command: 0 all clean or done, 1 something was or would be stopped, 2 usage or configuration,
3 could not be examined or done.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType

import click

from gateway import __version__

COMMANDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "serve": ("gateway.cli.serve:serve", "Run the gateway."),
        "demo": ("gateway.cli.demo:demo", "See it work: real messages through a gateway of its own."),
        "scan": ("gateway.cli.scan:scan", "Look into documents, messages, mailboxes or folders."),
        "disarm": ("gateway.cli.disarm:disarm", "Write a document without its macros."),
        "quarantine": ("gateway.cli.quarantine:quarantine", "List, show, release or delete what is held."),
        "exceptions": ("gateway.cli.exceptions:exceptions", "Allow a known macro, file or sender, or block one."),
        "digest": (
            "gateway.cli.digest:digest_command",
            "Look at what recipients are told of held mail, or send it.",
        ),
        "iocs": ("gateway.cli.iocs:iocs", "Hashes, addresses and hosts of stopped mail, for those who block them."),
        "user": ("gateway.cli.user:user", "Make, list and remove the people who may sign in to the pages."),
        "token": ("gateway.cli.token:token", "Make, list and remove the tokens of programs that use the API."),
        "keys": ("gateway.cli.keys:keys", "Make a key to seal changed messages with, and show its DNS record."),
        "rules": ("gateway.cli.rules:rules", "List the rules, or test them against their own examples."),
        "check-config": ("gateway.cli.check:check_config", "Say everything that is wrong with a configuration."),
        "selftest": ("gateway.cli.selftest:selftest", "Send the inert test document through a running chain."),
    }
)


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is used, so that ``--help`` is quick."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="macrogate")
def main() -> None:
    """Macrogate stops documents that run macros by themselves, in front of Postfix.

    \b
    See it work:           macrogate demo
    Look into a file:      macrogate scan invoice.docm
    Take its macros out:   macrogate disarm invoice.docm invoice.docx
    Check a configuration: macrogate check-config --config /etc/macrogate/macrogate.toml
    Run it:                macrogate serve --config /etc/macrogate/macrogate.toml
    What is held:          macrogate quarantine list

    Exit codes: 0 all clean or done, 1 something was or would be stopped, 2 usage or configuration, 3 could not be
    examined or done.
    """
