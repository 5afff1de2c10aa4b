"""``python -m marginflow``, the same as ``marginflow``."""

import sys

from marginflow.cli import main

sys.exit(main())
