"""``python -m marginflow``, the same as ``marginflow``."""

import sys

from marginflow.cli import main

if __name__ == "__main__":
    sys.exit(main())
