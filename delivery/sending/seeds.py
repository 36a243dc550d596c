"""Seeds: a copy of each delivery to addresses of our own, when it begins to leave.

A copy says what recipients read, with an example in the place of the fields. It is no
message: nothing records it as one, no rule counts it, and its links change nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace

from django.utils import timezone

from audiences import addresses
from audiences.addresses import trial
from delivery.composing import Composer, example
from delivery.models import Delivery, Seed, Sending
from delivery.transports import Transport, Uncertain, transport_for

# What became of a copy, beside the kinds of results of a hand-over.
UNCERTAIN, TRIAL = "uncertain", trial.TRIAL


@dataclass(frozen=True)
class Copy:
    """What became of the copy to one seed: taken, refused, later, uncertain, trial."""

    name: str
    address: str
    result: str
    text: str = ""


def of(delivery: Delivery) -> list[Seed]:
    """The seeds that get a copy of the delivery."""
    return list(Seed.objects.filter(channel=delivery.channel, is_active=True))


def send(sending: Sending) -> None:
    """Hand over the copies of a sending that has begun: whoever comes first, once.

    Killed in between, nobody sends them again. Raises CannotCompose, NoTransport.
    """
    rows = of(sending.delivery)
    if not rows or not _taken_on(sending):
        return
    found: list[Copy] = []
    composer = Composer(sending.delivery, is_copy=True)
    transport = transport_for(sending.delivery.channel)
    try:
        for row in rows:
            found.append(_handed_over(row, composer, transport))
            _keep(sending, found)
    finally:
        transport.close()


def _taken_on(sending: Sending) -> bool:
    """Whether they are ours to hand over: of all who ask, one is told so."""
    rows = Sending.objects.filter(
        pk=sending.pk, state=Sending.State.SENDING, seeds_at=None
    )
    return bool(rows.update(seeds_at=timezone.now()))


def _handed_over(row: Seed, composer: Composer, transport: Transport) -> Copy:
    if not trial.allows(row.channel, row.address):
        return Copy(row.name, row.address, TRIAL)
    try:
        given = addresses.normalise(row.channel, row.address)
    except addresses.InvalidAddress as error:
        return Copy(row.name, row.address, "refused", str(error))
    reader = replace(example(), address=given.value, key=given.key)
    [message] = composer.compose([reader])
    try:
        result = transport.hand_over(message)
    except Uncertain:
        return Copy(row.name, row.address, UNCERTAIN)
    text = f"{result.code} {result.text}".strip()[:300]
    return Copy(row.name, row.address, result.kind.value, text)


def _keep(sending: Sending, found: list[Copy]) -> None:
    rows = [asdict(copy) for copy in found]
    Sending.objects.filter(pk=sending.pk).update(seeds=rows)


def lines(sending: Sending, columns: Sequence[str]) -> Iterator[list[str]]:
    """The seeds as rows of an extraction file, without the number of a profile."""
    facts = dict(example().fields)
    for row in of(sending.delivery):
        if trial.allows(row.channel, row.address):
            own = facts | {"last_name": row.name, "address": row.address}
            own |= {"external_id": "", "profile": ""}
            # Nobody: of own fields there is nothing to say.
            yield [own.get(name, "") for name in columns]


def keep_lines(sending: Sending) -> None:
    """Note that the seeds stood in the file."""
    rows = of(sending.delivery)
    Sending.objects.filter(pk=sending.pk).update(seeds_at=timezone.now())
    _keep(
        sending,
        [
            Copy(
                row.name,
                row.address,
                "taken" if trial.allows(row.channel, row.address) else TRIAL,
            )
            for row in rows
        ],
    )
