"""Letters about held mail: a digest to each recipient once a day, a word to the admin when one asks for a release.

``wording`` has what they say in each language, ``letter`` makes them, ``state`` remembers what was sent, ``sending``
decides who gets what, ``gateway.postroom`` does it in a daemon.
"""
