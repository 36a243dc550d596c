"""Settings to collect style and scripts as production names them, with no secret.

A container is built before anybody knows its keys: `collectstatic --settings
campaign.collecting` needs none, and nothing else runs with it.
"""

from campaign.settings import *  # noqa: F403

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "campaign.serving.collected_files.CollectedFiles"},
}
