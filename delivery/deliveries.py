"""Deliveries: making one, and finding the one that is meant."""

from collections.abc import Callable
from datetime import datetime
from itertools import islice
from pathlib import Path

from django.db import transaction
from django.utils.translation import gettext as _

from audiences import membership, profiles
from audiences.files.cleaning import says_something
from audiences.imports.lists import read_list
from audiences.links import Link
from audiences.models import Audience, Service
from audiences.refusals import Refused
from delivery.models import Delivery, Outcome, OutcomeWarning, Typology, TypologyRule
from delivery.rules import limits, skips_denylist
from delivery.rules.writing import default_typology

READINGS = ("id", "label")
BATCH = 1000
# What a copy does not have of the delivery that it is made of.
OF_ITS_OWN = ("id", "label", "contact_date", "created_at", "tested_at")


class BadDelivery(Refused):
    """The delivery cannot be made; the message says why and what to do.

    `field` is what it is about.
    """

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class TakenLabel(BadDelivery):
    """Another delivery has the label."""


class DeliveryNotFound(Refused):
    """No delivery is named so, or the readings name different ones."""


class SeveralDeliveries(DeliveryNotFound):
    """The readings name different ones."""


def find(text: str) -> Delivery:
    """The delivery that an id or the exact label names; id: and label: fix one."""
    prefix, colon, rest = text.partition(":")
    if colon and prefix in READINGS:
        readings = [(prefix, rest)]
    else:
        readings = [("id", text), ("label", text)]
    found: dict[int, Delivery] = {}
    for reading, name in readings:
        rows = Delivery.objects.select_related("audience", "service")
        if reading == "label":
            rows = rows.filter(label=name)
        elif name.isascii() and name.isdigit() and int(name) <= profiles.LARGEST_ID:
            rows = rows.filter(pk=int(name))
        else:
            continue
        found |= {delivery.pk: delivery for delivery in rows}
    if not found:
        raise DeliveryNotFound(f"No delivery has the id or label {text!r}.")
    if len(found) > 1:
        listed = ", ".join(f"id:{d.pk} ({d.label})" for d in found.values())
        raise SeveralDeliveries(
            f"{text!r} names several deliveries: {listed}. Say id: or label:."
        )
    return next(iter(found.values()))


def link(delivery: Delivery, profile_id: int) -> Link:
    """What the links in a message of the delivery to this profile are about."""
    return Link(profile_id, delivery.channel, delivery.service_id, delivery.pk)


def create(
    label: str,
    *,
    channel: str,
    audience: Callable[[], Audience] = membership.everyone,
    service: Service | None = None,
    purpose: str = Delivery.Purpose.MARKETING,
    purpose_note: str = "",
    typology: Typology | None = None,
    subject: str = "",
    content: str = "",
    contact_date: datetime | None = None,
) -> Delivery:
    """Make a delivery; the audience is everyone unless given.

    `audience` is called only when all else is right, so that a refused delivery leaves
    no audience behind. Spaces around the label are no part of it. Raises BadDelivery
    when the label is taken, the service has another channel, or the purpose reaches
    opted-out people and no note says why.
    """
    delivery = Delivery(
        label=label.strip(),
        channel=channel,
        service=service,
        purpose=purpose,
        purpose_note=purpose_note,
        typology=typology,
        subject=subject,
        content=content,
        contact_date=contact_date,
    )
    _check(delivery)
    with transaction.atomic():
        delivery.audience = audience()
        delivery.full_clean()
        delivery.save()
    return delivery


def _check(delivery: Delivery) -> None:
    label, service = delivery.label, delivery.service
    if not label.strip():
        raise BadDelivery("The delivery needs a label.", "label")
    if Delivery.objects.filter(label=label).exists():
        raise TakenLabel(
            f"There is already a delivery {label!r}; choose another label.", "label"
        )
    if service and service.channel != delivery.channel:
        raise BadDelivery(
            f"The service {service.slug!r} is on the channel {service.channel}, "
            f"the delivery on {delivery.channel}; they must be the same.",
            "service",
        )
    if skips_denylist(delivery.purpose) and not says_something(delivery.purpose_note):
        raise BadDelivery(
            f"A delivery with the purpose {delivery.purpose} reaches opted-out people "
            "too: it needs a note that says why.",
            "purpose_note",
        )


def duplicate(delivery: Delivery) -> Delivery:
    """A draft with the same message, audience and rules, and a label of its own.

    It says the same in every language. The contact date is left out: it was that of the
    other one.
    """
    number, label = 1, ""
    while not label or Delivery.objects.filter(label=label).exists():
        ending = _(" (copy)") if number == 1 else _(" (copy {number})")
        ending = ending.format(number=number)
        label, number = delivery.label[: 150 - len(ending)] + ending, number + 1
    copied = {
        field.attname: getattr(delivery, field.attname)
        for field in Delivery._meta.concrete_fields
        if field.name not in OF_ITS_OWN
    }
    with transaction.atomic():
        made = Delivery.objects.create(label=label, **copied)
        for variant in delivery.variants.all():
            variant.pk, variant._state.adding, variant.delivery = None, True, made
            variant.save()
    return made


def choose_rules(
    delivery: Delivery,
    typology: Typology | None,
    *,
    refusal: Callable[[Delivery], str] = lambda delivery: "",
) -> bool:
    """Let the delivery have a typology, None: the default one; whether it is another.

    `refusal` says why the caller may not, asked while nobody can change the delivery.
    Raises BadDelivery for one that has left.
    """
    with transaction.atomic():
        row = _held(delivery, refusal)
        if row.typology == typology:
            return False
        row.typology = typology
        row.save(update_fields=["typology"])
    return True


def limit(
    delivery: Delivery,
    *,
    maximum: int,
    period_days: int,
    channel: str,
    only_here: bool,
    refusal: Callable[[Delivery], str] = lambda delivery: "",
) -> TypologyRule:
    """Let people get at most so many messages in so many days, this one among them.

    `only_here`: other deliveries keep their rules; else all with the same typology have
    the limit from now on. Raises Refused, as `choose_rules` does and for bad numbers.
    """
    with transaction.atomic():
        row = _held(delivery, refusal)
        rule = limits.limit(maximum, period_days, channel)
        own = row.typology
        is_shared = own is None or own.is_default or own.delivery_set.count() > 1
        if only_here and is_shared:
            label = _("Rules of “{delivery}”").format(delivery=row.label)
            row.typology = limits.copy_with(own, rule, label[:150])
            row.save(update_fields=["typology"])
        else:
            limits.put_into(own or default_typology(), rule)
    return rule


def _held(delivery: Delivery, refusal: Callable[[Delivery], str]) -> Delivery:
    """The delivery, which nobody can change or begin to send meanwhile."""
    row = Delivery.objects.select_for_update(of=("self",)).get(pk=delivery.pk)
    if row.has_left:
        raise BadDelivery(_("It was handed over: it stands. Duplicate it instead."))
    if refused := refusal(row):
        raise BadDelivery(refused)
    return row


def delete(delivery: Delivery) -> None:
    """Delete a delivery with its outcomes; one that was handed over is protected."""
    with transaction.atomic():
        Outcome.objects.filter(delivery=delivery).delete()
        OutcomeWarning.objects.filter(delivery=delivery).delete()
        delivery.delete()


def list_audience(
    name: str, path: Path, *, encoding: str = "", sheet: str = ""
) -> Audience:
    """An audience from a file with one profile a line (id, external id or address), or
    with columns that name them, such as our own export of a target.

    `encoding` is for text, and `sheet` for spreadsheets; each is found without.
    Raises BadDelivery with every line that names no profile, or several, and Refused
    for a file that cannot be read.
    """
    lines = read_list(path, encoding=encoding, sheet=sheet)
    with transaction.atomic():
        ids, problems = _profiles_of(lines)
        if problems:
            raise BadDelivery(f"{path}:\n" + "\n".join(problems))
        if not ids:
            raise BadDelivery(f"{path} names nobody: write one profile on each line.")
        return membership.list_of(name, ids)


def _profiles_of(lines: dict[int, str]) -> tuple[list[int], list[str]]:
    ids: list[int] = []
    problems: list[str] = []
    rest = iter(lines.items())
    while batch := list(islice(rest, BATCH)):
        found = profiles.find_ids({line for _number, line in batch})
        for number, line in batch:
            named = sorted(found.get(line, ()))
            if len(named) == 1:
                ids += named
            elif named:
                listed = ", ".join(f"id:{pk}" for pk in named)
                problems.append(f"  line {number}: {line!r} names {listed}; say which")
            else:
                problems.append(f"  line {number}: no profile is named {line!r}")
    return ids, problems
