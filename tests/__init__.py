"""Tests of Campaign. Whatever of them runs, it runs as on somebody's own machine."""

import os

os.environ.setdefault("DEBUG", "1")
