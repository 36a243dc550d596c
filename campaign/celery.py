"""Background work: the Celery application and its schedule.

The queue only wakes a worker. Our rows say what is to be done and how far it is: a
message that is lost or arrives twice loses and repeats nothing.
"""

import os
from pathlib import Path

from celery import Celery
from celery.schedules import crontab
from django.conf import settings
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campaign.settings")

TRANSPORT_ALIASES["filesystem"] = "campaign.folder_queue:Transport"
app = Celery("campaign")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
SCHEDULE = {
    "delivery.tasks.wake_analyses": 60.0,
    "delivery.tasks.wake_sendings": 20.0,
    "audiences.tasks.send_outbox": 60.0,
    "audiences.tasks.wake_people_work": 60.0,
    "audiences.tasks.wake_privacy_work": 60.0,
    "delivery.tasks.read_mailbox": 60.0,
    "delivery.tasks.find_late_feedback": 300.0,
    "audiences.tasks.seal_ledger": 30.0,
    "audiences.tasks.publish_checkpoint": 300.0,
    "audiences.tasks.wake_endpoints": 5.0,
    "audiences.tasks.send_summaries": crontab(minute="*/15"),
    "audiences.tasks.refresh_figures": crontab(minute="*/15"),
    "audiences.tasks.expire_subscriptions": crontab(minute=27),
    "delivery.tasks.clean_up_quarantine": crontab(hour=3, minute=7),
    "audiences.tasks.clean_up_requests": crontab(hour=3, minute=17),
    "audiences.tasks.run_retention": crontab(hour=3, minute=47),
    "delivery.tasks.clean_up_inbound": crontab(hour=3, minute=27),
}
app.conf.beat_schedule = {
    task.rpartition(".")[2].replace("_", "-"): {"task": task, "schedule": when}
    for task, when in SCHEDULE.items()
}
for folder in settings.CELERY_BROKER_FOLDERS:
    Path(folder).mkdir(parents=True, exist_ok=True)
