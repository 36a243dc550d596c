"""Messages that another system handed over are recorded from its file, once."""

import csv
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audiences.models import Profile
from delivery import analysis, deliveries
from delivery.models import Delivery, Message
from delivery.rules import writing
from tests.people import ago, causes, person

pytestmark = pytest.mark.django_db
TIME = "2026-05-01T10:00:00+02:00"


@pytest.fixture
def delivery() -> Delivery:
    return deliveries.create("News", channel="email")


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write_rows(*rows: str, header: str = "address,time") -> Path:
        path = tmp_path / "messages.csv"
        path.write_text("\n".join([header, *rows]) + "\n")
        return path

    return write_rows


def record(path: Path, *options: str) -> tuple[int, int, int]:
    out = StringIO()
    call_command("record_messages", "News", str(path), "--json", *options, stdout=out)
    counts = json.loads(out.getvalue())
    return counts["recorded"], counts["unchanged"], counts["rejected"]


def rejects(path: Path) -> list[tuple[str, ...]]:
    with path.open() as file:
        return [tuple(row) for row in csv.reader(file)][1:]


def recorded() -> dict[int, Message]:
    return {message.profile_id: message for message in Message.objects.all()}


def test_each_row_becomes_a_message(delivery: Delivery, write: Any) -> None:
    ann, bob = person(email="ann@shop.example"), person(email="bob@shop.example")
    path = write(
        f"ANN@Shop.example ,{TIME},<1@mta>,,esp-1",
        f"bob@shop.example,2026-05-02,,{bob.pk},",
        header="Address, Time ,Message id,PROFILE,Provider ID",
    )
    assert record(path) == (2, 0, 0)
    found = recorded()
    assert {m.provider_id for m in found.values()} == {"esp-1", None}
    assert found[ann.pk].message_id == "<1@mta>"
    assert found[ann.pk].sent_at.isoformat() == "2026-05-01T08:00:00+00:00"
    assert (found[ann.pk].channel, found[ann.pk].delivery_id) == ("email", delivery.pk)
    assert found[ann.pk].address == "ANN@Shop.example"
    assert found[bob.pk].message_id is None
    assert found[bob.pk].sent_at.isoformat() == "2026-05-02T00:00:00+00:00"
    assert not Path(f"{path}.rejects.csv").exists()


def test_a_file_that_comes_twice_is_recorded_once(
    delivery: Delivery, write: Any
) -> None:
    person(email="ann@shop.example")
    path = write(f"ann@shop.example,{TIME}", f"Ann@shop.example,{TIME}")
    assert record(path) == (1, 1, 0)
    before = list(Message.objects.values())
    assert record(path) == (0, 2, 0)
    assert list(Message.objects.values()) == before


def test_batches_add_up(
    delivery: Delivery, write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audiences.imports.engine.CHUNK_SIZE", 2)
    people = [person(email=f"p{n}@shop.example") for n in range(5)]
    rows = [f"p{n}@shop.example,{TIME}" for n in (0, 1, 2, 9, 0, 3, 4, 4)]
    path = write(*rows)
    assert record(path) == (5, 2, 1)
    assert set(recorded()) == {p.pk for p in people}
    assert [row[0] for row in rejects(Path(f"{path}.rejects.csv"))] == ["5"]


def test_rows_that_cannot_be_read_or_matched_are_rejected(
    delivery: Delivery, write: Any, tmp_path: Path
) -> None:
    ann, bob = person(email="ann@shop.example"), person(email="bob@shop.example")
    rows = [
        (f"ann@shop.example,{TIME},,", None),
        (f",{TIME},,", "address"),
        (f"no at sign,{TIME},,", "address"),
        (f"nobody@shop.example,{TIME},,", "address"),
        ("bob@shop.example,yesterday,,", "time"),
        ("bob@shop.example,2026-02-30,,", "time"),
        (f"bob@shop.example,{TIME},,x", "profile"),
        (f"bob@shop.example,{TIME},,-1", "profile"),
        (f"bob@shop.example,{TIME},,{'9' * 30}", "profile"),
        (f"bob@shop.example,{TIME},,{'9' * 18}", "address"),
        (f"bob@shop.example,{TIME},,{ann.pk}", "address"),
        (f"bob@shop.example,{TIME},{'x' * 256},", "message_id"),
        (f"bob@shop.example,{TIME},,,,extra", ""),
        (f'"bob@shop.example,{TIME},,', ""),
        (f"bob@shop.example,{TIME},,{bob.pk}", None),
    ]
    path = write(
        *(row for row, _field in rows), header="address,time,message_id,profile"
    )
    to = tmp_path / "elsewhere.csv"
    assert record(path, "--rejects", str(to)) == (2, 0, 13)
    assert [(int(line), field) for line, field, _reason, _outcome in rejects(to)] == [
        (number, field) for number, (_row, field) in enumerate(rows, 2) if field is not None
    ]  # fmt: skip
    assert all(
        reason and outcome == "rejected" for _l, _f, reason, outcome in rejects(to)
    )
    assert set(recorded()) == {ann.pk, bob.pk}


def test_the_rejects_of_an_earlier_file_do_not_stay(
    delivery: Delivery, write: Any
) -> None:
    path = write(f"ann@shop.example,{TIME}")
    assert record(path) == (0, 0, 1)
    person(email="ann@shop.example")
    assert record(path) == (1, 0, 0)
    assert rejects(Path(f"{path}.rejects.csv")) == []


@pytest.mark.parametrize("header", ["time", "email,time", "adres,tijd"])
def test_a_file_without_a_needed_column_is_refused(
    delivery: Delivery, write: Any, header: str
) -> None:
    with pytest.raises(CommandError, match="The file has no column address"):
        record(write("x,y", header=header))


def test_a_shared_address_goes_to_the_one_who_was_targeted(
    delivery: Delivery, write: Any
) -> None:
    out = person(email="a@shop.example", out="email")
    target = person(email="a@shop.example")
    person(email="a@shop.example")
    path = write(f"a@shop.example,{TIME}")
    # Nobody was targeted yet: the lowest id.
    assert record(path) == (1, 0, 0)
    assert set(recorded()) == {out.pk}
    Message.objects.all().delete()
    analysis.analyse(delivery)
    assert record(path) == (1, 0, 0)
    assert set(recorded()) == {target.pk}


def test_a_row_may_name_the_profile(delivery: Delivery, write: Any) -> None:
    person(email="a@shop.example")
    second = person(email="a@shop.example")
    path = write(f"a@shop.example,{TIME},{second.pk}", header="address,time,profile")
    assert record(path) == (1, 0, 0)
    assert set(recorded()) == {second.pk}


def test_a_secondary_address_is_matched_as_well(delivery: Delivery, write: Any) -> None:
    profile = person(email="old@shop.example")
    _attach(profile, "new@shop.example")
    assert record(write(f"old@shop.example,{TIME}")) == (1, 0, 0)
    assert set(recorded()) == {profile.pk}


def _attach(profile: Profile, text: str) -> None:
    from audiences import addresses

    book = addresses.books([profile.pk])[profile.pk]
    book.give("email", addresses.accept("email", text), primary=True)
    addresses.save([book])
    assert profile.addresses.get(is_primary=True).value == text


def test_an_address_of_another_channel_is_not_matched(write: Any) -> None:
    deliveries.create("News", channel="sms")
    person(email="a@shop.example", sms="+31612345678")
    path = write(f"a@shop.example,{TIME}", f"+31 6 1234 5678,{TIME}")
    assert record(path) == (1, 0, 1)
    assert recorded().popitem()[1].channel == "sms"


def test_the_delivery_is_handed_over_then_and_fatigue_counts_it(
    delivery: Delivery, write: Any
) -> None:
    ann = person(email="ann@shop.example")
    bob = person(email="bob@shop.example")
    assert record(write(f"ann@shop.example,{ago(1).isoformat()}")) == (1, 0, 0)
    with pytest.raises(analysis.AnalysisRefused, match="were handed over"):
        analysis.analyse(delivery)
    writing.create_fatigue_rule("one", maximum=1, period_days=7)
    typology = writing.create_typology("t", rules=["one"])
    following = deliveries.create("Next", channel="email", typology=typology)
    assert causes(following) == {ann.pk: "fatigue:one", bob.pk: None}


def test_the_number_of_queries_does_not_grow_with_the_rows(
    delivery: Delivery, write: Any, django_assert_max_num_queries: Any
) -> None:
    for number in range(60):
        person(email=f"p{number}@shop.example")
    path = write(*(f"p{number}@shop.example,{TIME}" for number in range(60)))
    with django_assert_max_num_queries(10):
        assert record(path) == (60, 0, 0)


def test_people_see_the_counts_and_where_the_rejects_are(
    delivery: Delivery, write: Any
) -> None:
    out, err = StringIO(), StringIO()
    path = write(f"nobody@shop.example,{TIME}")
    call_command("record_messages", "News", str(path), stdout=out, stderr=err)
    assert "rejected" in out.getvalue()
    assert f"{path}.rejects.csv" in err.getvalue()
    with pytest.raises(CommandError, match="No such file"):
        call_command("record_messages", "News", f"{path}.absent")
