"""Many values and rows at once reach the database as they are."""

import pytest
from django.db.models import Q

from audiences import sql
from audiences.models import Profile
from audiences.sql.many import CompiledAmong, among

pytestmark = pytest.mark.django_db

ODD = [
    *('a"b', "a\\b", '\\"', "a,b", "{a}", "{", "NULL", "null", " ", "it's", "%s"),
    *("李", "Zoë", "tab\there", "line\nbreak", "\\N", "\\.", "'", "[1]"),
]


def test_odd_values_find_their_rows_and_no_others() -> None:
    Profile.objects.bulk_create(Profile(external_id=text) for text in [*ODD, "other"])
    for some in (ODD, *([text] for text in ODD)):
        found = Profile.objects.filter(among("external_id", some))
        assert {row.external_id for row in found} == {*some}
    ids = [row.pk for row in found]
    assert list(Profile.objects.filter(among("id", ids))) == list(found)
    assert not Profile.objects.filter(among("id", [])).exists()
    assert Profile.objects.exclude(among("external_id", ODD)).get().external_id == (
        "other"
    )


def test_what_is_composed_once_finds_any_values() -> None:
    Profile.objects.bulk_create(Profile(external_id=text) for text in [*ODD, "other"])
    rows = Profile.objects.order_by()
    named = CompiledAmong(
        rows.filter(among("external_id", CompiledAmong.texts)).values_list("id")
    )
    some = among("id", CompiledAmong.numbers)
    ends = Q(id__gte=CompiledAmong.low, id__lte=CompiledAmong.high)
    texts = CompiledAmong(rows.filter(some, ends).values_list("external_id"))
    for asked in ([*ODD], *([text] for text in ODD), []):
        ids = {pk for (pk,) in named.rows(asked)}
        assert {text for (text,) in texts.rows(ids)} == {*asked}


@pytest.mark.parametrize("count", [0, 1, 250, 251, 600])
def test_every_row_that_is_made_is_inserted(count: int) -> None:
    names = ["id", "external_id", "first_name", "last_name", "language", "country"]
    ids = sql.draw_ids(Profile, count)
    sql.bulk_insert(
        Profile,
        names,
        ((pk, None, ODD[n % len(ODD)], f"{n}", "", "") for n, pk in enumerate(ids)),
    )
    rows = Profile.objects.order_by("id").values_list("first_name", "last_name")
    assert list(rows) == [(ODD[n % len(ODD)], f"{n}") for n in range(count)]
