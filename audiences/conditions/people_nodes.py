"""Nodes about people: opt-outs, addresses, subscriptions, texts of the profile."""

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext, gettext_lazy as _

from audiences.addresses.keys import domain_key
from audiences.channels import Channel, Scope, flag_name
from audiences.conditions.date_nodes import DATE_KEYS, check_dates, dates_q, say_dates
from audiences.conditions.node_kinds import BadCondition, Data, Moment, Node, register
from audiences.models import Address, AddressStatus, Service, Subscription
from audiences.sentences import within_a_sentence

register(
    Node(
        "opted_out",
        {"channel": {"enum": list(Scope.values)}},
        ("channel",),
        lambda data, moment: Q(**{flag_name(data["channel"]): True}),
        lambda data: gettext("opted out of {channel}").format(
            channel=within_a_sentence(Scope(data["channel"]).label)
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
    label = within_a_sentence(Channel(data["channel"]).label)
    details = []
    if "valid" in data:
        details.append(gettext("valid") if data["valid"] else gettext("invalid"))
    if "status" in data:
        text = gettext("in quarantine as {status}")
        status = within_a_sentence(AddressStatus(data["status"]).label)
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
