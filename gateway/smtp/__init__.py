"""SMTP on both sides: the listener clients speak to, and the client that speaks to the next hop."""
