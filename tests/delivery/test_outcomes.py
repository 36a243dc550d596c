"""The target and the exclusion log, to export."""

import pytest

from delivery import analysis
from delivery.analysis import outcomes, reports
from delivery.sending.exports import Export

from .worlds import delivery_of, person

pytestmark = pytest.mark.django_db
A, B = "a@shop.example", "B@shop.example"


def test_exports_have_target_log_and_warned_people() -> None:
    out, twin, other = person(A, out="any"), person(A), person(B)
    delivery = delivery_of()
    analysis.analyse(delivery)
    target = Export(delivery, outcomes.decided(delivery, excluded=False))
    assert list(target) == [[twin.pk, "", A, "", ""], [other.pk, "", B, "", ""]]
    [log] = Export(delivery, outcomes.decided(delivery, excluded=True))
    assert log[:4] == [out.pk, "", A, "denylist_any_channel"]
    [warned] = Export(delivery, outcomes.warned(delivery, reports.SHARES_ADDRESS))
    assert warned[0] == twin.pk


def test_an_unknown_warning_is_refused_and_no_analysis_means_no_rows() -> None:
    person(A)
    delivery = delivery_of()
    assert list(outcomes.decided(delivery, excluded=False)) == []
    with pytest.raises(KeyError):
        outcomes.warned(delivery, "no_such_warning")
