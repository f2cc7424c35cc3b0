"""Imported by the fork server only: loads what every worker needs, so that a new one is ready in milliseconds.

Contract: importing this never raises, and starts no thread (a process is forked from here). The fork server ignores
SIGTERM from then on, because an order to the gateway may reach its whole process group, and the messages past their
final dot still need their workers; it ends when the gateway closes its end of their pipe.
"""

import signal

from gateway.jail import tasks

signal.signal(signal.SIGTERM, signal.SIG_IGN)
tasks.load()
