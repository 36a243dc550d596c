"""Background work: the Celery application and its schedule.

The queue only wakes a worker. Our rows say what is to be done and how far it is: a
message that is lost or arrives twice loses and repeats nothing.
"""

import os
from pathlib import Path

from celery import Celery
from celery.schedules import crontab
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campaign.settings")

app = Celery("campaign")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = {
    "wake-analyses": {"task": "delivery.tasks.wake_analyses", "schedule": 60.0},
    "send-outbox": {"task": "audiences.tasks.send_outbox", "schedule": 60.0},
    "wake-people-work": {
        "task": "audiences.tasks.wake_people_work",
        "schedule": 60.0,
    },
    "refresh-figures": {
        "task": "audiences.tasks.refresh_figures",
        "schedule": crontab(minute="*/15"),
    },
    "clean-up-requests": {
        "task": "audiences.tasks.clean_up_requests",
        "schedule": crontab(hour=3, minute=17),
    },
    "expire-subscriptions": {
        "task": "audiences.tasks.expire_subscriptions",
        "schedule": crontab(minute=27),
    },
    "read-mailbox": {"task": "delivery.tasks.read_mailbox", "schedule": 60.0},
    "clean-up-inbound": {
        "task": "delivery.tasks.clean_up_inbound",
        "schedule": crontab(hour=3, minute=27),
    },
    "clean-up-quarantine": {
        "task": "delivery.tasks.clean_up_quarantine",
        "schedule": crontab(hour=3, minute=7),
    },
}
for folder in settings.CELERY_BROKER_FOLDERS:
    Path(folder).mkdir(parents=True, exist_ok=True)
