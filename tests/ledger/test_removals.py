"""Evidence that a rule of retention ended is told from evidence that was emptied."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from audiences import consent, ledger
from audiences.consent import Origin, guards
from audiences.models import ConsentEvent, ConsentEvidence, LedgerLeaf, LedgerRemoval
from audiences.privacy import requests, retention
from audiences.records import verification
from audiences.sql import execute, is_postgresql
from tests.people import person

pytestmark = pytest.mark.django_db
BY = Origin(source="operator", actor="eva", note="asked by phone")


def test_evidence_of_earlier_acts_ends_and_the_ledger_says_so() -> None:
    one, two, held = person(first_name="One"), person(first_name="Two"), person()
    for who in (one, held):
        consent.opt_out(who, "email", origin=BY)
        consent.opt_in(who, "email", origin=BY)
    consent.opt_out(two, "email", origin=BY)
    requests.record(held, "correction", "my name is wrong", actor="eva")
    ledger.seal()
    earlier = ConsentEvent.objects.get(profile=one, kind="opt_out")
    with pytest.raises(DatabaseError), transaction.atomic():
        ConsentEvidence.objects.filter(event=earlier).delete()

    retention.set_rule("evidence", 36, actor="olga")
    retention.confirm("evidence", 36, actor="bert")
    assert retention.run() == {"evidence": 0}
    # The person's last word keeps its evidence, and so does whoever waits.
    later = timezone.now() + timedelta(days=3 * 366)
    assert retention.run(later) == {"evidence": 1}
    assert not ConsentEvidence.objects.filter(event=earlier).exists()
    assert ConsentEvidence.objects.filter(event__profile=two).exists()
    assert ConsentEvidence.objects.filter(event__profile=held).count() == 2

    assert verification.verify_consent().is_consistent
    ledger.seal()
    assert not ledger.verify().differences
    assert LedgerLeaf.objects.filter(kind=LedgerLeaf.Kind.REMOVAL).count() == 1


def test_what_is_younger_than_every_removal_is_missed() -> None:
    one = person()
    consent.opt_out(one, "email", origin=BY)
    ledger.seal()
    LedgerRemoval.objects.create(
        before=timezone.now() - timedelta(days=1), at=timezone.now() - timedelta(days=2)
    )
    with pytest.raises(DatabaseError), transaction.atomic():
        ConsentEvidence.objects.all().delete()
    if is_postgresql():
        execute("SET CONSTRAINTS ALL IMMEDIATE")
    guards.remove()
    ConsentEvidence.objects.all().delete()
    guards.install()
    said = [str(each) for each in ledger.verify().differences]
    assert any("evidence" in each and "is gone" in each for each in said)
    assert any("removal of evidence" in each for each in said)
    assert not verification.verify_consent().is_consistent
