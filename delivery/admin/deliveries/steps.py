"""The steps of a delivery, ticked by what is so, and never by where somebody was.

What is optional and was left alone says so; it is not ticked.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _, gettext_lazy

from audiences.channels import Channel
from audiences.console.badges import badge
from audiences.console.dates import moment
from audiences.console.numbers import percentage
from audiences.console.pages import Facts
from delivery import approvals
from delivery.analysis.usual import Unusual
from delivery.models import Delivery
from delivery.rules import skips_denylist
from delivery.sending import standing
from delivery.sending.standing import Standing, State

from . import previews

OF_FILES = (Channel.PHONE, Channel.DIRECT_MAIL, Channel.FAX)
LABELS: dict[str, Promise] = {
    "form": gettext_lazy("Audience"),
    "content": gettext_lazy("Content"),
    "rules": gettext_lazy("Rules"),
    "report": gettext_lazy("Prepare"),
    "approval": gettext_lazy("Approval"),
    "test": gettext_lazy("Test"),
    "send": gettext_lazy("Send"),
}
PAGES = {"form": "change", "report": "outcomes"}
TONES = {
    State.PREPARING: "info",
    State.STOPPED: "warn",
    State.PREPARED: "good",
    State.OUT_OF_DATE: "warn",
    State.SCHEDULED: "info",
    State.SENDING: "info",
    State.PAUSED: "warn",
    State.SENT: "good",
    State.FAILED: "bad",
}
# A preparation that is none yet, or none any more.
UNDONE = (State.STOPPED, State.FAILED, State.OUT_OF_DATE, State.PREPARING)


@dataclass(frozen=True)
class Step:
    """One step: where it is, whether it is done, and the fact that says so."""

    code: str
    url: str = ""
    is_done: bool = False
    note: str = ""
    is_failed: bool = False
    is_default: bool = False

    @property
    def label(self) -> str:
        return str(LABELS[self.code])

    @property
    def tone(self) -> str:
        """The class of its line."""
        if self.is_failed:
            return "failed"
        if self.is_done:
            return "done"
        return "default" if self.is_default else ""


def context(request: HttpRequest, delivery: Delivery) -> Facts:
    """What every page of a delivery shows at its top."""
    approval = _approval(request, delivery)
    found = standing.of(delivery)
    return {
        "steps_delivery": delivery,
        "steps": _steps(delivery, found, approval),
        "standing": found,
        "pill": pill(found),
        "alarm": in_words(found.unusual),
        **approval,
    }


def next_url(posted: Mapping[str, str]) -> str:
    """Where somebody goes on who saved by going to a step; empty: nowhere else.

    Only to a step: what is posted names one, and never an address.
    """
    code, _colon, pk = posted.get("_step", "").partition(":")
    if code not in LABELS or not pk.isdecimal():
        return ""
    return reverse(f"admin:delivery_delivery_{PAGES.get(code, code)}", args=[int(pk)])


def of_new() -> list[Step]:
    """The steps of a delivery that is being made: the same, and none is done."""
    return [Step(code) for code in LABELS if code != "approval"]


def pill(found: Standing) -> SafeString:
    """How a delivery stands, as every page and list shows it.

    What is strange is never green.
    """
    tone = "bad" if found.unusual else TONES.get(found.state, "")
    return badge(found.state.label, tone)


def in_words(found: Unusual | None) -> str:
    """What is strange about the share of those excluded; empty: nothing."""
    if found is None:
        return ""
    facts = {"now": percentage(found.now), "earlier": found.earlier}
    if found.before is None:
        text = _(
            "{now} of the audience is excluded. There is no earlier delivery of this "
            "kind to compare it with."
        )
        return text.format(**facts)
    text = _("{now} of the audience is excluded; in “{earlier}” it was {before}.")
    return text.format(**facts, before=percentage(found.before))


def dated(found: Standing, delivery: Delivery) -> tuple[str, str]:
    """The date that counts of a delivery as it stands, and what happened then."""
    run, sending = found.run, found.sending
    if sending and sending.state == State.SCHEDULED:
        return moment(sending.starts_at), _("begins")
    if sending and sending.started_at:
        return moment(sending.started_at), _("began")
    if delivery.contact_date:
        return moment(delivery.contact_date), _("contact date")
    if run and run.finished_at:
        return moment(run.finished_at), _("prepared")
    return moment(delivery.created_at), _("made")


def _approval(request: HttpRequest, delivery: Delivery) -> Facts:
    """What pages say about its approval; nothing where none is due."""
    if not skips_denylist(delivery.purpose):
        return {}
    return {
        "needs_approval": True,
        "approval": approvals.in_force(delivery),
        "refusal_to_approve": approvals.refusal_to_approve(request.user, delivery),
    }


def _steps(delivery: Delivery, found: Standing, approval: Facts) -> list[Step]:
    def url(code: str) -> str:
        name = PAGES.get(code, code)
        return reverse(f"admin:delivery_delivery_{name}", args=[delivery.pk])

    made = [
        Step("form", url("form"), True, str(delivery.audience)),
        Step("content", url("content"), *_content(delivery)),
        _rules(delivery, url("rules")),
        Step("report", url("report"), *_prepared(found)),
    ]
    if approval:
        done = approval["approval"] is not None
        made.append(
            Step("approval", url("approval"), done, "" if done else _("not yet"))
        )
    if delivery.channel not in OF_FILES:
        made.append(Step("test", url("test"), *_tested(delivery)))
    made.append(Step("send", url("send"), *_sent(found)))
    return made


def _rules(delivery: Delivery, url: str) -> Step:
    """Chosen ones are a fact; those that it has anyway are nobody's decision."""
    if delivery.typology is None:
        return Step("rules", url, note=_("the default ones"), is_default=True)
    return Step("rules", url, True, delivery.typology.shown_label)


def _content(delivery: Delivery) -> tuple[bool, str, bool]:
    if delivery.channel in OF_FILES:
        return (
            bool(delivery.columns),
            "" if delivery.columns else _("the usual columns"),
            False,
        )
    codes = ["", *delivery.variants.values_list("language", flat=True)]
    if not delivery.content.strip():
        return False, _("nothing yet"), False
    faulty = any(previews.faults_of(delivery, code) for code in codes)
    note = _("not right yet") if faulty else ""
    if not note and len(codes) > 1:
        note = _("{count} languages").format(count=len(codes))
    return not faulty, note, faulty


def _prepared(found: Standing) -> tuple[bool, str, bool]:
    run = found.run
    if run is None:
        waits = found.state is State.PREPARING
        return False, str(found.state.label) if waits else _("not yet"), False
    if found.state in UNDONE and not found.sending:
        return False, str(found.state.label), found.state is State.FAILED
    is_ready = run.state == run.State.READY
    if is_ready and found.unusual:
        return False, _("look at who is excluded"), True
    return is_ready, "" if is_ready else run.get_state_display(), False


def _tested(delivery: Delivery) -> tuple[bool, str]:
    if delivery.tested_at is None:
        return False, _("not yet")
    return True, moment(delivery.tested_at)


def _sent(found: Standing) -> tuple[bool, str, bool]:
    if found.state is State.SENT:
        return True, "", False
    if found.sending is None:
        return False, "", False
    return False, str(found.state.label), found.state is State.FAILED
