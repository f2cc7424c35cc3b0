"""The API: JSON for programs, below ``/api/v1``.

``operations`` says what one operation is; ``held``, ``asking``, ``excepted`` and ``about`` are tables of them;
``models`` is what they take and give; ``door`` lets tokens (``tokens``) in; ``taking`` reads queries and bodies;
``problems`` is how a refusal looks; ``openapi`` writes the document; ``site`` puts it together.
"""
