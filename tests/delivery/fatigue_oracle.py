"""A slow second opinion on fatigue: each window of days is looked at, for one profile.

It shares no query with the code under test. What a prepared delivery that nobody handed
over counts for in the end is the decision of docs/decisions/0020.
"""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from audiences.models import Profile
from delivery.models import Delivery, Message, Outcome

DAY = timedelta(days=1)


def day_of(moment: datetime) -> date:
    return moment.astimezone(ZoneInfo(settings.TIME_ZONE)).date()


def counted(profile: Profile, channel: str, but: int = 0) -> list[date]:
    """The day of everything that counts for a profile."""
    now = timezone.now()
    found = []
    for delivery in Delivery.objects.exclude(pk=but):
        if channel not in ("", delivery.channel):
            continue
        message = Message.objects.filter(delivery=delivery, profile=profile).first()
        if message:
            found.append(day_of(message.sent_at))
            continue
        run = delivery.latest_analysis
        target = Outcome.objects.filter(delivery=delivery, profile=profile, rule=None)
        if run is None or run.state != "ready" or not target.exists():
            continue
        planned = delivery.contact_date
        good_until = max(filter(None, [planned, run.finished_at or now])) + DAY
        counts_at = max(filter(None, [planned, now]))
        found.append(day_of(min(counts_at, good_until)))
    return found


def is_fatigued(delivery: Delivery, profile: Profile, rule: dict[str, Any]) -> bool:
    """Whether one message more would make some window hold more than the rule allows."""
    limit = rule["maximum"]
    if rule.get("uses_profile_limit") and profile.message_limit is not None:
        limit = profile.message_limit
    at = max(filter(None, [delivery.contact_date, timezone.now()]))
    own, length = day_of(at), rule["period_days"]
    found = [*counted(profile, rule.get("channel", ""), delivery.pk), own]
    for back in range(length):
        window = [own - back * DAY + ahead * DAY for ahead in range(length)]
        if sum(day in window for day in found) > limit:
            return True
    return False
