"""What the home page tells about privacy requests; what is overdue is red."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import ngettext

from audiences.console.dashboard import Figures, Notice, attention, task
from audiences.console.numbers import grouped
from audiences.models import ErasureRun, RetentionRule
from audiences.privacy import requests


@attention("audiences.view_privacyrequest")
def open_requests(request: HttpRequest, figures: Figures) -> list[Notice]:
    """How many wait for a decision, and how many of them for too long."""
    today = timezone.localdate()
    waiting = requests.queue()
    late = waiting.filter(due_on__lt=today).count()
    rest = waiting.filter(due_on__gte=today).count()
    url = reverse("admin:audiences_privacyrequest_changelist")
    said = []
    if late:
        text = ngettext(
            "{count} privacy request is overdue: the law gave it a month.",
            "{count} privacy requests are overdue: the law gave them a month.",
            late,
        )
        said.append(Notice(text.format(count=grouped(late)), url, "bad"))
    if rest:
        text = ngettext(
            "{count} privacy request waits for an answer.",
            "{count} privacy requests wait for an answer.",
            rest,
        )
        said.append(Notice(text.format(count=grouped(rest)), url))
    return said


@task("audiences.erase_profile")
def waiting_for_two(request: HttpRequest, figures: Figures) -> list[Notice]:
    """What a second person has to confirm, and the present one may."""
    actor = request.user.get_username()
    runs = ErasureRun.objects.filter(state=ErasureRun.State.ASKED).exclude(actor=actor)
    rules = RetentionRule.objects.filter(months__isnull=False, confirmed_by="")
    said = []
    if count := runs.count():
        text = ngettext(
            "{count} erasure of many people waits for a second person.",
            "{count} erasures of many people wait for a second person.",
            count,
        )
        url = reverse("admin:audiences_erasurerun_changelist") + "?state__exact=asked"
        said.append(Notice(text.format(count=grouped(count)), url))
    if count := rules.exclude(set_by=actor).count():
        text = ngettext(
            "{count} retention rule waits for a second person.",
            "{count} retention rules wait for a second person.",
            count,
        )
        url = reverse("admin:audiences_retentionrule_changelist")
        said.append(Notice(text.format(count=grouped(count)), url))
    return said
