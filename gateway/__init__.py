"""Macrogate: a mail gateway filter that stops documents which run macros by themselves.

The life of one message::

    receive → scan → decide → act → keep → deliver → record

``smtp/`` receives it, relaying MAIL and RCPT live to the next hop; ``scan/`` looks into it, in a jailed process of
``workers``; ``policy`` decides; ``scan/rewrite`` changes what has to change; ``quarantine/`` keeps what is held;
``smtp/client`` delivers; ``events`` and ``metrics`` record. ``pipeline`` tells it in order: begin to read there.
"""

__version__ = "0.1.0"
