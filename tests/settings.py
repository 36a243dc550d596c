"""The settings of the tests: those of the project, on somebody's own machine.

They are named like this so that `tests` is imported first, which says so. Everything
that the tests start reads the project's own.
"""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "campaign.settings"

from campaign.settings import *  # noqa: F403
