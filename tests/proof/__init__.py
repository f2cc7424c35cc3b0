"""``make proof``: that no mail is lost, shown on the machine it runs on, for an hour or for days.

A load of honest, macro-carrying and undeliverable mail goes through a real gateway into a real Postfix or into a next
hop that misbehaves, from clients that try again as an MTA does. Meanwhile the gateway is killed, stopped, reloaded,
crowded. Afterwards the ledger has to balance: what was sent is what was delivered, held or refused. ``__main__`` has
the parts, ``ledger`` the rule, ``lane`` the chain under test.
"""
