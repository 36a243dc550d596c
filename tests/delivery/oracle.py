"""A slow second opinion on the analysis: plain Python over rows fetched one by one.

It shares no query and no predicate with the code under test. Two points that
contract.md and reference.md leave open are as the code has them, so no test here can
question them: which rules a purpose skips, and that a past contact date means now.

A rule is one entry of `RULES`;
operators' rules go in by `Oracle.operators` (code, predicate), which judge between
`not_subscribed` and `duplicate_address`.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

from django.utils import timezone

from audiences import suppression
from audiences.models import (
    Address,
    Audience,
    AudienceMember,
    ContactWish,
    Profile,
    Subscription,
)
from delivery.models import Delivery, QuarantineEntry

from .fatigue_oracle import is_fatigued

Predicate = Callable[[Profile], bool]
SKIPPED = {
    "marketing": set[str](),
    "transactional": {
        "denylist_any_channel",
        "denylist_channel",
        "paused",
        "own_limit",
        "duplicate_address",
    },
    "legal": {
        "suppressed",
        "denylist_any_channel",
        "denylist_channel",
        "paused",
        "own_limit",
        "duplicate_address",
    },
}


class Oracle:
    """The outcome of a delivery now, for every profile of its audience."""

    def __init__(
        self, delivery: Delivery, operators: Sequence[tuple[str, Predicate]] = ()
    ) -> None:
        self.delivery = delivery
        self.channel = delivery.channel
        date = delivery.contact_date
        self.at: datetime = max(timezone.now(), date) if date else timezone.now()
        self.operators = list(operators)
        self.audience = [p for p in Profile.objects.order_by("id") if self.has(p)]
        self.matching = {p.pk: self._match(p) for p in self.audience}
        self._duplicates()
        self.outcomes = {
            pk: (codes[0] if codes else None) for pk, codes in self.matching.items()
        }
        self.warned = {pk for pk, code in self.outcomes.items() if not code} & {
            p.pk for p in self.audience if self._shares_with_opted_out(p)
        }
        self.counts = Counter(self.outcomes.values())

    def has(self, profile: Profile) -> bool:
        audience = self.delivery.audience
        if audience.kind == Audience.Kind.LIST:
            rows = AudienceMember.objects.filter(audience=audience)
            return profile.pk in [row.profile_id for row in rows]
        if audience.kind == Audience.Kind.SUBSCRIBERS:
            return self._subscribed(profile, audience.service_id)
        return True

    def primary(self, profile: Profile) -> Address | None:
        for row in Address.objects.filter(profile_id=profile.pk):
            if row.channel == self.channel and row.is_primary:
                return row
        return None

    def _subscribed(self, profile: Profile, service_id: int | None) -> bool:
        for row in Subscription.objects.filter(profile_id=profile.pk):
            if row.service_id == service_id and row.status == "active":
                return row.expires_at is None or row.expires_at > self.at
        return False

    def _status(self, address: Address | None) -> str:
        if address is None or not address.is_valid:
            return "valid"
        for entry in QuarantineEntry.objects.filter(key=address.key):
            if entry.channel == self.channel:
                return str(entry.status)
        return "valid"

    def _suppressed(self, address: Address) -> bool:
        """By the list itself, whatever the copy beside the address says."""
        name = (address.channel, address.key)
        return name in suppression.met([name])

    def _opted_out(self, profile: Profile) -> bool:
        flag = getattr(profile, f"no_longer_contact_{self.channel}")
        return bool(profile.no_longer_contact or flag)

    def _wishes(self, profile: Profile) -> list[ContactWish]:
        rows = ContactWish.objects.filter(profile_id=profile.pk)
        return [
            row
            for row in rows
            if row.ended_at is None and row.channel in ("any", self.channel)
        ]

    def _paused(self, profile: Profile) -> bool:
        until = [wish.paused_until for wish in self._wishes(profile)]
        return any(moment and moment > self.at for moment in until)

    def _over_own_limit(self, profile: Profile) -> bool:
        return any(
            is_fatigued(
                self.delivery,
                profile,
                {
                    "maximum": wish.per_month,
                    "period_days": 30,
                    "channel": "" if wish.channel == "any" else wish.channel,
                },
            )
            for wish in self._wishes(profile)
            if wish.per_month
        )

    def _of_operators(self, prefix: str, profile: Profile) -> list[tuple[str, bool]]:
        """Their rules of a kind; one that names no kind filters."""
        is_fatigue = prefix == "fatigue:"
        return [
            (code, matches(profile))
            for code, matches in self.operators
            if code.startswith("fatigue:") == is_fatigue
        ]

    def _match(self, profile: Profile) -> list[str]:
        address = self.primary(profile)
        service = self.delivery.service_id
        found = [
            ("address_missing", address is None),
            ("address_invalid", address is not None and not address.is_valid),
            ("suppressed", address is not None and self._suppressed(address)),
            ("denylist_any_channel", profile.no_longer_contact),
            (
                "denylist_channel",
                getattr(profile, f"no_longer_contact_{self.channel}"),
            ),
            ("paused", self._paused(profile)),
            ("address_denylisted", self._status(address) == "denylisted"),
            ("address_quarantined", self._status(address) == "quarantine"),
            (
                "not_subscribed",
                service is not None and not self._subscribed(profile, service),
            ),
            *self._of_operators("filter:", profile),
            ("own_limit", self._over_own_limit(profile)),
            *self._of_operators("fatigue:", profile),
        ]
        skipped = SKIPPED[self.delivery.purpose]
        return [code for code, is_so in found if is_so and code not in skipped]

    def _duplicates(self) -> None:
        if "duplicate_address" in SKIPPED[self.delivery.purpose]:
            return
        kept: set[str] = set()
        for profile in self.audience:  # the lowest id first
            address = self.primary(profile)
            if self.matching[profile.pk] or address is None or not address.is_valid:
                continue
            if address.key in kept:
                self.matching[profile.pk].append("duplicate_address")
            kept.add(address.key)

    def _shares_with_opted_out(self, profile: Profile) -> bool:
        mine = self.primary(profile)
        if mine is None or not mine.is_valid:
            return False
        for other in Address.objects.select_related("profile"):
            same = (other.channel, other.key) == (mine.channel, mine.key)
            another = other.is_valid and other.profile_id != profile.pk
            if same and another and self._opted_out(other.profile):
                return True
        return False
