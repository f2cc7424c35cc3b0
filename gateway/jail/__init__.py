"""The jailed side: what runs in a scan worker, and the walls around it.

Contract: a worker reads one descriptor at a time, says what it found in checked JSON, and can do nothing else: no
network, no file, no other program. ``process`` is its loop, ``tasks`` what it is asked to do, ``confinement`` the
walls, ``forks`` the process that has loaded everything before they go up, ``server`` how the front has it fork,
``wire`` the words both sides speak. The front's side is ``gateway.workers``.
"""
