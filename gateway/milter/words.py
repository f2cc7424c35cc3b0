"""The words of the milter protocol, version 6: commands, answers, and what both sides may agree on.

Contract: numbers and letters only, each under the name it has in ``libmilter/mfdef.h`` and ``libmilter/mfapi.h`` of
Sendmail 8.14, the only specification there is (there with ``SMFIC_``, ``SMFIR_``, ``SMFIF_``, ``SMFIP_``, ``SMFIM_`` or
``SMFIA_`` before it). Postfix documents its side in ``MILTER_README``.
"""

from __future__ import annotations

import enum


class Command(enum.IntEnum):
    """``SMFIC_``: what the MTA says."""

    ABORT = ord("A")
    BODY = ord("B")
    CONNECT = ord("C")
    MACRO = ord("D")
    BODYEOB = ord("E")
    HELO = ord("H")
    QUIT_NC = ord("K")
    HEADER = ord("L")
    MAIL = ord("M")
    EOH = ord("N")
    OPTNEG = ord("O")
    QUIT = ord("Q")
    RCPT = ord("R")
    DATA = ord("T")
    UNKNOWN = ord("U")


class Answer(enum.IntEnum):
    """``SMFIR_``: what a filter says."""

    ADDRCPT = ord("+")
    DELRCPT = ord("-")
    ADDRCPT_PAR = ord("2")
    SHUTDOWN = ord("4")
    ACCEPT = ord("a")
    REPLBODY = ord("b")
    CONTINUE = ord("c")
    DISCARD = ord("d")
    CHGFROM = ord("e")
    CONN_FAIL = ord("f")
    ADDHEADER = ord("h")
    INSHEADER = ord("i")
    CHGHEADER = ord("m")
    PROGRESS = ord("p")
    QUARANTINE = ord("q")
    REJECT = ord("r")
    SKIP = ord("s")
    TEMPFAIL = ord("t")
    REPLYCODE = ord("y")


class Action(enum.IntFlag):
    """``SMFIF_``: what a filter may ask for."""

    ADDHDRS = 0x1
    CHGBODY = 0x2
    ADDRCPT = 0x4
    DELRCPT = 0x8
    CHGHDRS = 0x10
    QUARANTINE = 0x20
    CHGFROM = 0x40
    ADDRCPT_PAR = 0x80
    SETSYMLIST = 0x100


class Step(enum.IntFlag):
    """``SMFIP_``: what an MTA can leave out or a filter not answer. ``NR``: no reply."""

    NOCONNECT = 0x1
    NOHELO = 0x2
    NOMAIL = 0x4
    NORCPT = 0x8
    NOBODY = 0x10
    NOHDRS = 0x20
    NOEOH = 0x40
    NR_HDR = 0x80
    NOUNKNOWN = 0x100
    NODATA = 0x200
    SKIP = 0x400
    RCPT_REJ = 0x800
    NR_CONN = 0x1000
    NR_HELO = 0x2000
    NR_MAIL = 0x4000
    NR_RCPT = 0x8000
    NR_DATA = 0x10000
    NR_UNKN = 0x20000
    NR_EOH = 0x40000
    NR_BODY = 0x80000
    HDR_LEADSPC = 0x100000


class Stage(enum.IntEnum):
    """``SMFIM_``: where a filter may say which macros it wants."""

    CONNECT = 0
    HELO = 1
    ENVFROM = 2
    ENVRCPT = 3
    DATA = 4
    EOM = 5
    EOH = 6


class Family(enum.IntEnum):
    """``SMFIA_``: what kind of address a client has."""

    UNKNOWN = ord("U")
    UNIX = ord("L")
    INET = ord("4")
    INET6 = ord("6")


NO_REPLY: dict[Command, Step] = {
    Command.CONNECT: Step.NR_CONN,
    Command.HELO: Step.NR_HELO,
    Command.MAIL: Step.NR_MAIL,
    Command.RCPT: Step.NR_RCPT,
    Command.DATA: Step.NR_DATA,
    Command.UNKNOWN: Step.NR_UNKN,
    Command.HEADER: Step.NR_HDR,
    Command.EOH: Step.NR_EOH,
    Command.BODY: Step.NR_BODY,
}
"""The step that says no reply is waited for."""

_VERDICTS = frozenset(
    {Answer.CONTINUE, Answer.ACCEPT, Answer.REJECT, Answer.TEMPFAIL, Answer.REPLYCODE, Answer.SHUTDOWN}
)
_MESSAGE = _VERDICTS | {Answer.DISCARD}

EDITS = frozenset(
    {
        Answer.ADDRCPT,
        Answer.ADDRCPT_PAR,
        Answer.DELRCPT,
        Answer.CHGFROM,
        Answer.ADDHEADER,
        Answer.INSHEADER,
        Answer.CHGHEADER,
        Answer.REPLBODY,
        Answer.QUARANTINE,
    }
)
"""What changes the message; each is followed by others and at last by a verdict."""

LEGAL: dict[Command, frozenset[Answer]] = {
    Command.CONNECT: _VERDICTS | {Answer.CONN_FAIL},
    Command.HELO: _VERDICTS,
    Command.MAIL: _MESSAGE,
    Command.RCPT: _MESSAGE,
    Command.DATA: _MESSAGE,
    Command.UNKNOWN: _VERDICTS - {Answer.ACCEPT},
    Command.HEADER: _MESSAGE,
    Command.EOH: _MESSAGE,
    Command.BODY: _MESSAGE | {Answer.SKIP},
    Command.BODYEOB: _MESSAGE | EDITS | {Answer.PROGRESS},
    Command.ABORT: frozenset(),
    Command.MACRO: frozenset(),
    Command.OPTNEG: frozenset(),
    Command.QUIT: frozenset(),
    Command.QUIT_NC: frozenset(),
}
"""Which answer is legal after which command; ``OPTNEG`` is answered by its own like."""
