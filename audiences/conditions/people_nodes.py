"""Nodes about people: opt-outs, addresses, subscriptions, texts of the profile."""

from typing import Any

from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Left
from django.db.models.lookups import Exact
from django.utils.text import capfirst
from django.utils.translation import gettext, gettext_lazy as _, gettext_noop

from audiences.addresses.keys import domain_key
from audiences.channels import Channel, Scope, flag_name
from audiences.conditions.date_nodes import DATE_KEYS, check_dates, dates_q, say_dates
from audiences.conditions.node_kinds import BadCondition, Data, Moment, Node, register
from audiences.conditions.trees import LONGEST_TEXT, check_text
from audiences.models import Address, AddressStatus, Profile, Service, Subscription

register(
    Node(
        "opted_out",
        {"channel": {"enum": list(Scope.values)}},
        ("channel",),
        lambda data, moment: Q(**{flag_name(data["channel"]): True}),
        lambda data: gettext("opted out of {channel}").format(
            channel=Scope(data["channel"]).label.lower()
        ),
        label=_("Opted out"),
        options={"channel": lambda: list(Scope.choices)},
    )
)


def _address_q(data: Data, moment: Moment) -> Q:
    rows = Address.objects.filter(
        profile_id=OuterRef("pk"), channel=data["channel"], is_primary=True
    )
    if "valid" in data:
        rows = rows.filter(is_valid=data["valid"])
    if "status" in data:
        rows = rows.filter(quarantine_status=data["status"])
    if "domain" in data:
        rows = rows.filter(key__endswith=f"@{domain_key(data['domain'])}")
    return Q(Exists(moment.within(rows)))


def _say_address(data: Data) -> str:
    label = Channel(data["channel"]).label.lower()
    details = []
    if "valid" in data:
        details.append(gettext("valid") if data["valid"] else gettext("invalid"))
    if "status" in data:
        text = gettext("in quarantine as {status}")
        status = AddressStatus(data["status"]).label.lower()
        details.append(text.format(status=status))
    if "domain" in data:
        details.append(gettext("at {domain}").format(domain=data["domain"]))
    text = gettext("has a primary {channel} address").format(channel=label)
    both = f" {gettext('and')} "
    return f"{text} {both.join(details)}".strip()


register(
    Node(
        "address",
        {
            "channel": {"enum": list(Channel.values)},
            "valid": {"type": "boolean"},
            "status": {"enum": list(AddressStatus.values)},
            "domain": {"type": "string"},
        },
        ("channel",),
        _address_q,
        _say_address,
        label=_("Has an address"),
        options={
            "channel": lambda: list(Channel.choices),
            "status": lambda: list(AddressStatus.choices),
        },
    )
)


def _subscription_q(data: Data, moment: Moment) -> Q:
    rows = Subscription.objects.filter(
        dates_q("changed_at", data, moment),
        profile_id=OuterRef("pk"),
        service__slug=data["service"],
    )
    status = data.get("status", Subscription.Status.ACTIVE)
    if status == Subscription.Status.ACTIVE:
        rows = rows.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=moment.at))
    return Q(Exists(moment.within(rows.filter(status=status))))


def _check_service(data: Data, path: str) -> None:
    if not Service.objects.filter(slug=data["service"]).exists():
        raise BadCondition(f"{path}.service: there is no service {data['service']!r}.")
    check_dates(data, path)


def _say_subscription(data: Data) -> str:
    service = Service.objects.filter(slug=data["service"]).first()
    label = service.label if service else data["service"]
    status = data.get("status", "active")
    words = {
        "active": gettext("subscribed to {service}"),
        "pending": gettext("waiting to confirm {service}"),
        "unsubscribed": gettext("unsubscribed from {service}"),
        "expired": gettext("expired from {service}"),
    }[status].format(service=label)
    since = say_dates(data)
    if since:
        return gettext("{what} since {when}").format(what=words, when=since)
    return words


register(
    Node(
        "subscription",
        {
            "service": {"type": "string"},
            "status": {"enum": list(Subscription.Status.values)},
            **DATE_KEYS,
        },
        ("service",),
        _subscription_q,
        _say_subscription,
        _check_service,
        label=_("Subscription to a service"),
        options={
            "service": lambda: list(Service.objects.values_list("slug", "label")),
            "status": lambda: list(Subscription.Status.choices),
        },
    )
)


MOST_ITEMS = 1000
_TEXT = {"type": "string", "maxLength": LONGEST_TEXT}


TEXT_FIELDS = ("external_id", "first_name", "last_name", "language", "country")


TEXT_OPERATORS = {
    "is": gettext_noop("is"),
    "is_not": gettext_noop("is not"),
    "in": gettext_noop("is one of"),
    "starts_with": gettext_noop("starts with"),
    "is_empty": gettext_noop("is empty"),
    "is_filled": gettext_noop("is filled"),
}


def _label(name: str) -> str:
    return capfirst(str(Profile._meta.get_field(name).verbose_name))  # type: ignore[union-attr]


def _text_q(data: Data, moment: Moment) -> Q:
    name, operator = data["field"], data["operator"]
    value: Any = data.get("value")
    empty = Q(**{name: ""}) | Q(**{f"{name}__isnull": True})
    if operator == "is_empty":
        return empty
    if operator == "is_filled":
        return ~empty
    if operator == "in":
        return Q(**{f"{name}__in": value})
    if operator == "starts_with":
        # SQLite's LIKE ignores the case of letters: the beginning is compared as well.
        start = Exact(Left(name, len(value)), Value(value))
        return Q(**{f"{name}__startswith": value}) & Q(start)
    same = Q(**{name: value})
    return same if operator == "is" else ~same


def _check_text(data: Data, path: str) -> None:
    operator, value = data["operator"], data.get("value")
    if operator in ("is_empty", "is_filled"):
        if "value" in data:
            raise BadCondition(f"{path}.value: {operator} takes no value.")
    elif operator == "in":
        if not isinstance(value, list) or not value:
            raise BadCondition(
                f"{path}.value: in takes a list of texts.",
                plain=gettext("Fill this in."),
            )
        if len(value) > MOST_ITEMS:
            raise BadCondition(f"{path}.value: more than {MOST_ITEMS} texts.")
        for number, item in enumerate(value):
            if not isinstance(item, str):
                raise BadCondition(f"{path}.value[{number}]: {item!r} is not a text.")
            check_text(item, f"{path}.value[{number}]")
    elif not isinstance(value, str) or not value:
        raise BadCondition(
            f"{path}.value: {operator} takes a text.", plain=gettext("Fill this in.")
        )
    else:
        check_text(value, f"{path}.value")


def _say_text(data: Data) -> str:
    value = data.get("value", "")
    words = ", ".join(value) if isinstance(value, list) else value
    name = str(Profile._meta.get_field(data["field"]).verbose_name)  # type: ignore[union-attr]
    return f"{name} {gettext(TEXT_OPERATORS[data['operator']])} {words}".strip()


def _finish_text(data: dict[str, Any]) -> dict[str, Any]:
    """A form has one text: a list of them has commas, or a line for each."""
    value = data.get("value")
    if data.get("operator") in ("is_empty", "is_filled"):
        data.pop("value", None)
    elif data.get("operator") == "in" and isinstance(value, str):
        parts = value.splitlines() if "\n" in value else value.split(",")
        data["value"] = [part.strip() for part in parts if part.strip()]
    return data


register(
    Node(
        "profile",
        {
            "field": {"enum": list(TEXT_FIELDS)},
            "operator": {"enum": list(TEXT_OPERATORS)},
            "value": {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]},
        },
        ("field", "operator"),
        _text_q,
        _say_text,
        _check_text,
        label=_("A field of the profile"),
        options={
            "field": lambda: [(name, _label(name)) for name in TEXT_FIELDS],
            "operator": lambda: [(n, gettext(t)) for n, t in TEXT_OPERATORS.items()],
        },
        finish=_finish_text,
    )
)
