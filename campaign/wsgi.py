"""The WSGI entry point for a production server."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campaign.settings")
application = get_wsgi_application()
# Now, and not while the first visitor waits.
get_resolver().url_patterns  # noqa: B018
# What is loaded by now stays as long as the process: two hundred thousand objects, for
# which the collector would let a visitor wait a tenth of a second now and then.
gc.collect()
gc.freeze()
