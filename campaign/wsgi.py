"""The WSGI entry point for a production server."""

import gc
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import reverse
from django.utils.translation import override

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campaign.settings")
application = get_wsgi_application()

# All addresses, in each language: now, and not while the first visitor waits.
for code, _name in settings.LANGUAGES:
    with override(code):
        reverse("admin:index")
# What is loaded by now stays as long as the process: two hundred thousand objects, for
# which the collector would let a visitor wait a tenth of a second now and then.
gc.collect()
gc.freeze()
