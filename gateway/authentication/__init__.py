"""Mail authentication: who answers for a message as it arrived, and our own word for what we changed.

DKIM (RFC 6376, 8301, 8463), ARC (RFC 8617) and DMARC (RFC 7489) are verified before anything is changed; SPF is what
the MTA in front says. Two kinds of modules, kept apart by ``tests/test_architecture.py``:

* ``fields``, ``tags``, ``canonical``, ``publickey``, ``signature``, ``chain``, ``dmarc``, ``origin``, ``told``,
  ``verify`` read what strangers wrote. They are pure, take any bytes, and run in the jail.
* ``resolver``, ``authenticator``, ``seal``, ``secret`` run in front: the first two ask DNS and the jail, the last two
  hold the private keys, which no process that reads mail ever sees.
"""
