"""The nodes of condition trees that speak of people: one `register` each."""

from datetime import UTC, datetime, time, timedelta
from functools import reduce
from operator import and_, or_
from typing import Any

from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Left
from django.db.models.lookups import Exact
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.text import capfirst
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from audiences.addresses.books import domain_key
from audiences.channels import Channel, Scope, flag_name
from audiences.conditions.trees import (
    LONGEST_TEXT,
    BadCondition,
    Data,
    Moment,
    Node,
    check_text,
    compile_node,
    register,
    say_node,
)
from audiences.models import (
    Address,
    AddressStatus,
    Profile,
    Service,
    Subscription,
)


# ------------------------------------------------------------------ and, or, not
def _grouped(data: Data, word: str) -> str:
    parts = [say_node(child) for child in data["of"]]
    return parts[0] if len(parts) == 1 else f"({f' {word} '.join(parts)})"


_NODES = {"$ref": "#/$defs/node"}
register(
    Node(
        "all",
        {"of": {"type": "array", "items": _NODES, "minItems": 1}},
        ("of",),
        lambda data, moment: reduce(
            and_, (compile_node(child, moment) for child in data["of"])
        ),
        lambda data: _grouped(data, gettext("and")),
    )
)
register(
    Node(
        "any",
        {"of": {"type": "array", "items": _NODES, "minItems": 1}},
        ("of",),
        lambda data, moment: reduce(
            or_, (compile_node(child, moment) for child in data["of"])
        ),
        lambda data: _grouped(data, gettext("or")),
    )
)
register(
    Node(
        "not",
        {"of": _NODES},
        ("of",),
        lambda data, moment: ~compile_node(data["of"], moment),
        lambda data: gettext("not {what}").format(what=say_node(data["of"])),
    )
)

# ------------------------------------------------------------------ the profile itself
MOST_ITEMS = 1000
_TEXT = {"type": "string", "maxLength": LONGEST_TEXT}
TEXT_FIELDS = ("external_id", "first_name", "last_name", "language", "country")
_TEXT_OPERATORS = {
    "is": gettext_noop("is"),
    "is_not": gettext_noop("is not"),
    "in": gettext_noop("is one of"),
    "starts_with": gettext_noop("starts with"),
    "is_empty": gettext_noop("is empty"),
    "is_filled": gettext_noop("is filled"),
}


def _field_label(name: str) -> str:
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
    return f"{name} {gettext(_TEXT_OPERATORS[data['operator']])} {words}".strip()


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
            "operator": {"enum": list(_TEXT_OPERATORS)},
            "value": {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]},
        },
        ("field", "operator"),
        _text_q,
        _say_text,
        _check_text,
        label=_("A field of the profile"),
        options={
            "field": lambda: [(name, _field_label(name)) for name in TEXT_FIELDS],
            "operator": lambda: [(n, gettext(t)) for n, t in _TEXT_OPERATORS.items()],
        },
        finish=_finish_text,
    )
)


# ------------------------------------------------------------------ dates
DATE_KEYS: dict[str, dict[str, Any]] = {
    "before": {"type": "string", "format": "date"},
    "after": {"type": "string", "format": "date"},
    "in_last_days": {"type": "integer", "minimum": 1, "maximum": 36500},
}


def read_moment(text: str, path: str = "") -> datetime:
    """A date or time of a tree; a date is the midnight with which it begins."""
    try:
        moment = parse_datetime(text)
        day = None if moment else parse_date(text)
    except ValueError:
        moment = day = None
    if moment is None and day is not None:
        moment = datetime.combine(day, time())
    if moment is None:
        raise BadCondition(
            f"{path}: {text!r} is not a date such as 2026-05-01.",
            plain=gettext("Type a date such as 2026-05-01."),
        )
    aware = moment if timezone.is_aware(moment) else timezone.make_aware(moment)
    try:
        return aware.astimezone(UTC)
    except OverflowError as error:
        raise BadCondition(f"{path}: {text!r} is out of range.") from error


def check_dates(data: Data, path: str) -> None:
    """The dates of a node can be read."""
    for key in ("before", "after"):
        if key in data:
            read_moment(data[key], f"{path}.{key}")


def dates_q(name: str, data: Data, moment: Moment) -> Q:
    """The rows whose date lies where the node says; `after` includes its own moment."""
    condition = Q()
    if "before" in data:
        condition &= Q(**{f"{name}__lt": read_moment(data["before"])})
    if "after" in data:
        condition &= Q(**{f"{name}__gte": read_moment(data["after"])})
    if "in_last_days" in data:
        start = moment.at - timedelta(days=data["in_last_days"])
        condition &= Q(**{f"{name}__gt": start})
    return condition


def say_dates(data: Data) -> str:
    parts = []
    if "before" in data:
        parts.append(gettext("before {date}").format(date=data["before"]))
    if "after" in data:
        parts.append(gettext("after {date}").format(date=data["after"]))
    if "in_last_days" in data:
        text = gettext("in the last {number} days")
        parts.append(text.format(number=data["in_last_days"]))
    return f" {gettext('and')} ".join(parts)


def _check_created(data: Data, path: str) -> None:
    if not set(data) & set(DATE_KEYS):
        raise BadCondition(
            f"{path}: created needs one of {', '.join(DATE_KEYS)}.",
            plain=gettext("Fill in at least one of these fields."),
        )
    check_dates(data, path)


register(
    Node(
        "created",
        DATE_KEYS,
        (),
        lambda data, moment: dates_q("created_at", data, moment),
        lambda data: gettext("created {when}").format(when=say_dates(data)),
        _check_created,
        label=_("When the profile was created"),
    )
)

# ------------------------------------------------------------------ flags and addresses
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


# ------------------------------------------------------------------ services
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
