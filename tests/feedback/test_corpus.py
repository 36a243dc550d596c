"""The figures that the mails of the tests come to; `make bench-feedback` prints them."""

from .corpus import measure


def test_mails_that_came_back_are_read_as_well_as_promised():
    figures = measure()
    bounces = figures.mails - figures.controls
    assert figures.found / figures.recipients >= 0.95, figures.missed
    assert len(figures.with_wrong_address) / bounces <= 0.02, figures.with_wrong_address
    assert figures.agreed / figures.judged >= 0.88, figures.disagreed
    assert figures.controls
    assert figures.acted_on_controls == []
