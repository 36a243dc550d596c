"""The nodes of condition trees that speak of people: one `register` each."""

from functools import reduce
from operator import and_, or_

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext, gettext_lazy as _

from audiences.addresses.keys import domain_key
from audiences.channels import Channel, Scope, flag_name
from audiences.conditions.dates import DATE_KEYS, check_dates, dates_q, say_dates
from audiences.conditions.texts import (
    TEXT_FIELDS,
    TEXT_OPERATORS,
    TEXT_SCHEMA,
    check_text_node,
    field_label,
    finish_text,
    say_text,
    text_q,
)
from audiences.conditions.trees import (
    BadCondition,
    Data,
    Moment,
    Node,
    compile_node,
    register,
    say_node,
)
from audiences.models import Address, AddressStatus, Service, Subscription


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


register(
    Node(
        "profile",
        {
            "field": {"enum": list(TEXT_FIELDS)},
            "operator": {"enum": list(TEXT_OPERATORS)},
            "value": {"anyOf": [TEXT_SCHEMA, {"type": "array", "items": TEXT_SCHEMA}]},
        },
        ("field", "operator"),
        text_q,
        say_text,
        check_text_node,
        label=_("A field of the profile"),
        options={
            "field": lambda: [(name, field_label(name)) for name in TEXT_FIELDS],
            "operator": lambda: [(n, gettext(t)) for n, t in TEXT_OPERATORS.items()],
        },
        finish=finish_text,
    )
)


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
