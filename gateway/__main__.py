"""``python -m gateway`` is ``macrogate``."""

from gateway.cli import main

if __name__ == "__main__":
    main()
