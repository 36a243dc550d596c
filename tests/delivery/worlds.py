"""Small worlds for the tests of the analysis, by the writers except subscriptions."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from audiences import addresses, consent
from audiences.consent import Origin
from audiences.models import Profile, Service, Subscription
from delivery import analysis, deliveries, quarantine
from delivery.analysis import outcomes, reports
from delivery.models import Delivery, Outcome

from .oracle import Oracle

ORIGIN = Origin(source="operator", note="asked by phone", actor="ann")
ADDRESSES = {
    "email": [f"person{n}@shop.example" for n in range(9)],
    "sms": [f"+3161234567{n}" for n in range(9)],
    "phone": [f"+3120123456{n}" for n in range(9)],
    "fax": [f"+3120123457{n}" for n in range(9)],
    "direct_mail": [f"Lane {n}, Delft" for n in range(9)],
    "push": [f"Token{n}" for n in range(9)],
}
INVALID = {
    "email": "no at sign",
    "sms": "12",
    "phone": "12",
    "fax": "12",
    "push": "a token",
}


def give(profile: Profile, channel: str, text: str, *, primary: bool = False) -> None:
    """Add an address as an import does: what cannot be delivered to is kept."""
    book = addresses.books([profile.pk])[profile.pk]
    book.give(channel, addresses.accept(channel, text), primary=primary)
    addresses.save([book])


def person(
    email: str = "", *others: str, channel: str = "email", out: str = ""
) -> Profile:
    """A profile with these addresses, the first primary, opted out of `out`."""
    profile = Profile.objects.create()
    for text in (email, *others):
        if text:
            give(profile, channel, text)
    if out:
        consent.opt_out(profile, out, ORIGIN)
    profile.refresh_from_db()
    return profile


def subscribed(
    profile: Profile,
    service: Service,
    status: str = "active",
    expires_at: datetime | None = None,
) -> None:
    Subscription.objects.create(
        profile=profile,
        service=service,
        status=status,
        changed_at=timezone.now() - timedelta(days=9),
        expires_at=expires_at,
    )


def block(channel: str, text: str, status: str) -> None:
    quarantine.set_status(channel, text, status, source="operator")


def delivery_of(label: str = "News", **facts: Any) -> Delivery:
    facts.setdefault("channel", "email")
    if facts.get("purpose", "marketing") != "marketing":
        facts["purpose_note"] = "the law asks for it"
    return deliveries.create(label, **facts)


def rows_of(delivery: Delivery) -> dict[int, str | None]:
    rows = Outcome.objects.filter(delivery=delivery)
    return dict(rows.values_list("profile_id", "rule__code"))


def warned_of(delivery: Delivery) -> set[int]:
    rows = outcomes.warned(delivery, reports.SHARES_ADDRESS)
    return {row.profile_id for row in rows}


def assert_report(report: analysis.Report, oracle: Oracle) -> None:
    causes = {line.code: line.count for line in report.causes}
    assert {code: n for code, n in causes.items() if n} == {
        code: n for code, n in oracle.counts.items() if code
    }
    assert report.targeted == len(oracle.audience)
    assert report.to_deliver == oracle.counts[None]
    assert report.excluded == sum(causes.values())
    warnings = {line.code: line.count for line in report.warnings}
    assert warnings[reports.SHARES_ADDRESS] == len(oracle.warned)


def assert_as_oracle(delivery: Delivery) -> analysis.Report:
    """Dry run, analysis, log, warning and explanations all agree with the oracle."""
    oracle = Oracle(delivery)
    assert_report(analysis.dry_run(delivery), oracle)
    report = analysis.analyse(delivery)
    assert report.state == "ready"
    assert_report(report, oracle)
    assert rows_of(delivery) == oracle.outcomes
    assert warned_of(delivery) == oracle.warned
    for profile in Profile.objects.all():
        found = analysis.explain(delivery, profile)
        codes = [rule.code for rule in found.matching]
        assert found.in_audience == (profile.pk in oracle.matching)
        assert codes == oracle.matching.get(profile.pk, []), profile.pk
        assert (found.deciding.code if found.deciding else None) == (
            codes[0] if codes else None
        )
    return report
