"""The geometry of charts: parts fill their whole, and nothing counted is invisible."""

from audiences.console.charts import BAR, Evolution, Share, columns, in_a_row


def test_parts_lie_one_behind_the_other_and_fill_the_bar() -> None:
    parts = in_a_row(Share(name, count, 8) for name, count in (("a", 2), ("b", 6)))
    assert [(p.start, p.width) for p in parts] == [(0, 250), (250, 750)]
    assert [p.share for p in parts] == ["25.0%", "75.0%"]


def test_a_part_of_nothing_takes_no_place() -> None:
    (part,) = in_a_row([Share("a", 0, 0)])
    assert (part.start, part.width, part.share) == (0, 0, "0.0%")


def test_somebody_among_millions_is_never_nobody() -> None:
    assert Share("a", 1, 1_000_000).share == "<0.1%"


def test_columns_stand_on_the_axis_or_hang_from_it() -> None:
    (up,) = columns([3], 10, 100)
    (down,) = columns([3], 10, 100, is_down=True)
    assert (up.y, up.height) == (70, 30)
    assert (down.y, down.height) == (100, 30)
    assert 0 < up.x < up.x + up.width < BAR


def test_a_small_number_is_still_seen_and_none_is_not() -> None:
    assert [c.height for c in columns([0, 1], 0.001, 100, least=1.5)] == [0, 1.5]


def test_an_evolution_has_one_scale_for_both_directions() -> None:
    chart = Evolution(["May", "June"], [1, 0], [0, 4], ["", ""])
    (came, _none), (_nobody, left) = chart.pairs
    assert (came.height, left.height) == (25, 100)
    assert (chart.highest, chart.sums) == ("4", ("1", "4"))
