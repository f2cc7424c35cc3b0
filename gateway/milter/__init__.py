"""Milter in: the listener for an MTA that asks before it takes a message."""
