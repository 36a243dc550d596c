"""The nodes of condition trees that speak of messages: who got what, and when."""

from typing import Any

from django.db.models import Count, Q
from django.utils.translation import gettext, gettext_lazy as _

from audiences.channels import Channel
from audiences.conditions import BadCondition, Data, Moment, Node, register
from audiences.conditions.date_nodes import DATE_KEYS, check_dates, dates_q, say_dates
from audiences.sentences import within_a_sentence
from delivery.models import Delivery, Message


def _message_q(data: Data, moment: Moment) -> Q:
    rows = Message.objects.order_by().filter(dates_q("sent_at", data, moment))
    if "channel" in data:
        rows = rows.filter(channel=data["channel"])
    if "delivery" in data:
        rows = rows.filter(delivery__label=data["delivery"])
    ids: Any = moment.within(rows).values("profile_id")
    if data.get("at_least", 1) > 1:
        ids = (
            ids.annotate(number=Count("pk"))
            .filter(number__gte=data["at_least"])
            .values("profile_id")
        )
    return Q(pk__in=ids)


def _check_message(data: Data, path: str) -> None:
    label = data.get("delivery")
    if label and not Delivery.objects.filter(label=label).exists():
        raise BadCondition(f"{path}.delivery: there is no delivery {label!r}.")
    check_dates(data, path)


def _say_message(data: Data) -> str:
    number = data.get("at_least", 1)
    parts = [
        gettext("got a message")
        if number == 1
        else gettext("got at least {number} messages").format(number=number)
    ]
    if "channel" in data:
        channel = within_a_sentence(Channel(data["channel"]).label)
        parts.append(gettext("by {channel}").format(channel=channel))
    if "delivery" in data:
        parts.append(gettext("of {delivery}").format(delivery=data["delivery"]))
    return " ".join([*parts, say_dates(data)]).strip()


def _say_no_message(data: Data) -> str:
    if set(data) & set(DATE_KEYS) or data.get("at_least", 1) > 1:
        return gettext("not {what}").format(what=_say_message(data))
    return gettext("never {what}").format(what=_say_message(data))


def _newest_deliveries() -> list[tuple[str, str]]:
    """The deliveries that a form offers."""
    labels = Delivery.objects.order_by("-id").values_list("label", flat=True)
    return [(label, label) for label in labels[:100]]


register(
    Node(
        "message",
        {
            "channel": {"enum": list(Channel.values)},
            "delivery": {"type": "string"},
            "at_least": {"type": "integer", "minimum": 1, "maximum": 10_000},
            **DATE_KEYS,
        },
        (),
        _message_q,
        _say_message,
        _check_message,
        label=_("Got a message"),
        options={
            "channel": lambda: list(Channel.choices),
            "delivery": _newest_deliveries,
        },
        say_not=_say_no_message,
    )
)
