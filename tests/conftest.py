"""What several test modules share."""

from __future__ import annotations

import os

# One thread a process: the suite runs several processes side by side.
os.environ.setdefault("OMP_NUM_THREADS", "1")
