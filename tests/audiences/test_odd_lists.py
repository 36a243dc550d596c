"""Files of subscriptions and of quarantined addresses, as other programs write them."""

import csv
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from audiences import subscriptions
from audiences.models import Profile, Service, Subscription
from delivery.models import QuarantineEntry
from tests.factories import BY_COMMAND, ProfileFactory, ServiceFactory

pytestmark = pytest.mark.django_db


def run(folder: Path, data: str, command: str, *options: str) -> Any:
    path = folder / "file.csv"
    path.write_text(data)
    out = StringIO()
    call_command(command, str(path), "--json", *options, stdout=out, stderr=StringIO())
    return json.loads(out.getvalue())


def rejects(folder: Path) -> list[tuple[str, str, str]]:
    with (folder / "file.csv.rejects.csv").open(newline="") as file:
        return [(r["row"], r["field"], r["outcome"]) for r in csv.DictReader(file)]


@pytest.fixture
def news() -> Service:
    return ServiceFactory(slug="news")


@pytest.fixture
def jan(news: Service) -> Profile:
    jan = ProfileFactory(external_id="C1", email="jan@shop.example")
    subscriptions.subscribe(jan, news, BY_COMMAND)
    return jan


def is_subscribed(profile: Profile) -> bool:
    held = Subscription.objects.filter(profile=profile)
    return held.filter(status=Subscription.Status.ACTIVE).exists()


@pytest.mark.parametrize("word", ["unsubscribe", "Uitgeschreven!", "opt out", "0"])
def test_a_word_of_leaving_leaves(tmp_path: Path, jan: Profile, word: str) -> None:
    data = f"external_id,status\nC1,{word}\n"
    run(tmp_path, data, "import_subscriptions", "--service", "news")
    assert not is_subscribed(jan)


@pytest.mark.parametrize(
    "heading",
    [
        *("Unsubscribed", "opt-out", "Afgemeld", "geen nieuwsbrief", "blacklisted"),
        *("abgemeldet", "désabonné", "do not mail", "uitgeschreven", "no_email"),
    ],
)
def test_a_yes_under_a_heading_of_leaving_leaves(
    tmp_path: Path, jan: Profile, heading: str
) -> None:
    """Whoever says what the column means says no more than that it is the action."""
    how = ("import_subscriptions", "--service", "news", "--map", f"action={heading}")
    run(tmp_path, f"external_id,{heading}\nC1,nee\nC1,\n", *how)
    assert is_subscribed(jan)
    assert [row[1] for row in rejects(tmp_path)] == ["action", "action"]
    run(tmp_path, f"external_id,{heading}\nC1,1\n", *how)
    assert not is_subscribed(jan)


@pytest.mark.parametrize(
    "heading",
    ["Subscribed", "aangemeld", "Einwilligung", "notifications", "newsletter"],
)
def test_a_yes_under_any_other_heading_subscribes(
    tmp_path: Path, news: Service, heading: str
) -> None:
    anna = ProfileFactory(external_id="C1")
    how = ("--service", "news", "--map", f"action={heading}")
    run(tmp_path, f"external_id,{heading}\nC1,ja\n", "import_subscriptions", *how)
    assert is_subscribed(anna)


def test_several_addresses_in_a_cell_name_the_one_who_has_them(
    tmp_path: Path, jan: Profile
) -> None:
    piet = ProfileFactory(email="piet@shop.example")
    how = ("import_subscriptions", "--service", "news")
    head = "email,action\n"
    counts = run(
        tmp_path, head + "jan@shop.example;piet@shop.example,unsubscribe\n", *how
    )
    assert (counts["rejected"], is_subscribed(jan)) == (1, True)
    run(tmp_path, head + "jan@shop.example; jan2@shop.example,unsubscribe\n", *how)
    assert not is_subscribed(jan)
    assert not is_subscribed(piet)


def entries() -> dict[str, str]:
    return dict(QuarantineEntry.objects.values_list("key", "status"))


def test_all_addresses_in_a_cell_are_quarantined(tmp_path: Path) -> None:
    data = "email\na@x.example; b@x.example\nc@x.example; oud\nNULL\n"
    counts = run(tmp_path, data, "import_quarantine", "--channel", "email")
    assert (counts["changed"], counts["rejected"]) == (3, 1)
    assert sorted(entries()) == ["a@x.example", "b@x.example", "c@x.example"]
    assert rejects(tmp_path) == [
        ("3", "address", "imported"),
        ("4", "address", "rejected"),
    ]


@pytest.mark.parametrize(
    ("word", "status"),
    [
        *(
            (w, "quarantine")
            for w in ("Bounced", "hard bounce", "5.1.1", "Invalid", "")
        ),
        *((w, "denylisted") for w in ("Complaint", "spam report", "Unsubscribed")),
        *((w, None) for w in ("delivered", "4.2.2", "valid", "ok", "active")),
    ],
)
def test_the_status_of_other_lists_is_understood_or_the_row_rejected(
    tmp_path: Path, word: str, status: str | None
) -> None:
    """A list of all addresses with what became of each quarantines not all of them."""
    data = f"address,status\njan@shop.example,{word}\n"
    counts = run(tmp_path, data, "import_quarantine", "--channel", "email")
    assert entries() == ({"jan@shop.example": status} if status else {})
    assert counts["rejected"] == (0 if status else 1)


def test_a_channel_may_have_any_of_its_names(tmp_path: Path) -> None:
    data = (
        "address,channel\na@x.example,E-mail\n+31612345671,Mobiel\nb@x.example,e_mail\n"
    )
    run(tmp_path, data, "import_quarantine")
    named = QuarantineEntry.objects.values_list("channel", flat=True)
    assert sorted(named) == ["email", "email", "sms"]
