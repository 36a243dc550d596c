"""What people ask about their own data: on the page, by letter, decided, answered."""

import io
import re
import zipfile
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core import mail as django_mail
from django.test import Client
from django.utils import timezone

from audiences import addresses, consent, outbox, privacy
from audiences.consent import ConsentError, Origin
from audiences.links import Link, page_url
from audiences.links.web_addresses import sent
from audiences.models import ConsentEvent, OutboxMail, PrivacyRequest, Profile
from audiences.privacy import requests
from audiences.privacy.requests import NotPossible, month_after
from audiences.signups import mailing_links
from tests.people import person

from . import everything

pytestmark = pytest.mark.django_db
EMAIL = "ann@shop.example"
BY = Origin(source="operator", actor="eva", note="asked by phone")


def ann(**facts: Any) -> Profile:
    return person(first_name="Ann", last_name="Axelsson", email=EMAIL, **facts)


def _path(url: str) -> str:
    return "/" + url.split("/", 3)[3]


def link_of(profile: Profile, key: str = EMAIL) -> str:
    link = Link(profile.pk, "email", page="your-data", kind="preferences")
    return _path(page_url(sent(link, "email", key)))


def _sent_mails(django_capture: Any = None) -> list[Any]:
    outbox.send_waiting()
    return django_mail.outbox


@pytest.fixture(autouse=True)
def _may_take_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker takes a mail in a transaction of its own: here within the test's."""
    from django.db import transaction

    atomic = transaction.atomic
    monkeypatch.setattr(
        "audiences.outbox.sending.transaction.atomic",
        lambda durable=False, **rest: atomic(**rest),
    )


@pytest.mark.parametrize(
    ("day", "due"),
    [
        (date(2026, 1, 31), date(2026, 2, 28)),
        (date(2028, 1, 31), date(2028, 2, 29)),
        (date(2026, 12, 15), date(2027, 1, 15)),
        (date(2026, 3, 31), date(2026, 4, 30)),
    ],
)
def test_the_answer_is_due_a_month_later(day: date, due: date) -> None:
    assert month_after(day) == due


def test_a_person_asks_gets_a_link_and_fetches_their_data(client: Client) -> None:
    profile = ann()
    # The way in: the page for anybody mails a link, to whoever is known.
    assert "Your email address" in client.get("/p/your-data").content.decode()
    mailing_links.request_link(
        EMAIL, page="your-data", kind="preferences", language="en", network=""
    )
    way_in = re.findall(r"<?(https?://\S+?)>?\s", _sent_mails()[0].body + " ")[0]
    page = client.get(_path(way_in)).content.decode()
    assert "A copy of all the data you have about me" in page
    assert PrivacyRequest.objects.count() == 0
    for _twice in range(2):
        answer = client.post(_path(way_in), {"kind": "access", "text": "please"})
        assert "answer by email, on" in answer.content.decode()
    asked = PrivacyRequest.objects.get()
    assert (asked.profile_id, asked.recorded_by) == (profile.pk, "")
    requests.decide(asked, is_granted=True, actor="olga", note="Regards, Olga")
    answer_mail = _sent_mails()[1]
    assert answer_mail.to == [EMAIL]
    assert "Regards, Olga" in answer_mail.body
    url = re.findall(r"https?://\S+/u/data/[^\s>)]+", answer_mail.body)[0]
    assert "Download" in client.get(_path(url)).content.decode()
    zipped = client.post(_path(url))
    assert zipped["Content-Type"] == "application/zip"
    assert "no-store" in zipped["Cache-Control"]
    names = zipfile.ZipFile(io.BytesIO(zipped.content)).namelist()
    assert names == ["your-data.html", "your-data.json"]
    # The link is for that mailbox alone, and for a time.
    addresses.attach(profile, "email", "new@shop.example", primary=True)
    addresses.detach(profile.addresses.get(value=EMAIL))
    assert client.post(_path(url)).status_code == 404


def test_the_link_to_the_data_ends(client: Client, settings: Any) -> None:
    asked = requests.record(ann(), "access", actor="eva")
    requests.decide(asked, is_granted=True, actor="olga")
    url = re.findall(r"https?://\S+/u/data/[^\s>)]+", _sent_mails()[0].body)[0]
    settings.EDIT_LINK_DAYS = -1
    assert client.get(_path(url)).status_code == 404
    assert client.get(_path(url)[:-3] + "abc").status_code == 404


def test_an_old_link_or_one_to_another_address_asks_nothing(
    client: Client, settings: Any
) -> None:
    profile = ann()
    elsewhere = link_of(profile, "other@shop.example")
    own = link_of(profile)
    settings.EDIT_LINK_DAYS = -1
    for url in (own, elsewhere):
        page = client.post(url, {"kind": "erasure"}).content.decode()
        assert "needs a new link" in page
    settings.EDIT_LINK_DAYS = 7
    page = client.post(elsewhere, {"kind": "erasure"}).content.decode()
    assert "needs a new link" in page
    other_site = {"Sec-Fetch-Site": "cross-site"}
    client.post(own, {"kind": "erasure"}, headers=other_site)
    assert not PrivacyRequest.objects.exists()


def test_a_correction_says_what_is_wrong(client: Client) -> None:
    url = link_of(ann())
    page = client.post(url, {"kind": "correction"}).content.decode()
    assert "Please write what is wrong" in page
    assert not PrivacyRequest.objects.exists()
    client.post(url, {"kind": "correction", "text": "I am Anna"})
    assert PrivacyRequest.objects.get().text == "I am Anna"


def test_an_objection_opts_out_of_everything_at_once(client: Client) -> None:
    profile = ann()
    page = client.post(link_of(profile), {"kind": "objection"}).content.decode()
    assert "get any messages from us" in page
    profile.refresh_from_db()
    assert profile.no_longer_contact
    event = ConsentEvent.objects.get(profile=profile)
    assert (event.kind, event.channel, event.source) == (
        *("opt_out", "any", "landing_page"),
    )
    # By letter too, whatever is decided later.
    other = person(email="bob@shop.example")
    requests.record(other, "objection", actor="eva")
    other.refresh_from_db()
    assert other.no_longer_contact


def test_an_erasure_is_done_once_its_answer_has_left() -> None:
    profile = ann()
    asked = requests.record(profile, "erasure", "erase Ann Axelsson", actor="eva")
    requests.decide(asked, is_granted=True, actor="olga", note="Goodbye, Ann")
    assert requests.carry_out() == 0  # the answer still waits
    assert "which is the last one" in _sent_mails()[0].body
    assert requests.carry_out() == 1
    asked.refresh_from_db()
    assert (asked.state, asked.text, asked.note) == ("done", "", "")
    assert not Profile.objects.exists()
    assert not OutboxMail.objects.exists()
    assert "axelsson" not in everything.dump().casefold()
    proof = ConsentEvent.objects.get(kind="erase").evidence
    assert (proof.actor, proof.note) == ("olga", f"Privacy request #{asked.pk}")
    assert requests.carry_out() == 0


def test_who_has_no_address_is_erased_at_once() -> None:
    asked = requests.record(person(first_name="Ann"), "erasure", actor="eva")
    assert requests.decide(asked, is_granted=True, actor="olga").state == "done"
    assert not Profile.objects.exists()


def test_a_refusal_has_a_reason_which_the_person_reads() -> None:
    asked = requests.record(ann(language="nl"), "erasure", actor="eva")
    with pytest.raises(NotPossible, match="Say why"):
        requests.decide(asked, is_granted=False, actor="olga")
    requests.decide(asked, is_granted=False, actor="olga", note="De wet wil het.")
    body = _sent_mails()[0].body
    assert "De wet wil het." in body
    assert "toezichthouder" in body
    with pytest.raises(NotPossible, match="decided already"):
        requests.decide(asked, is_granted=True, actor="olga")


def test_a_restriction_holds_the_person_until_it_is_lifted() -> None:
    profile = ann()
    asked = requests.record(profile, "restriction", actor="eva")
    requests.decide(asked, is_granted=True, actor="olga")
    profile.refresh_from_db()
    assert profile.no_longer_contact
    with pytest.raises(ConsentError, match="restricted"):
        consent.opt_in(profile, "any", BY)
    assert consent.opt_in_all(Profile.objects.all(), "any", BY) == 0
    with pytest.raises(privacy.Restricted):
        privacy.erase(profile, reason="retention")
    with pytest.raises(NotPossible, match="why"):
        requests.lift(asked, actor="olga", note=" ")
    requests.lift(asked, actor="olga", note="verified")
    profile.refresh_from_db()
    assert not profile.no_longer_contact
    assert [m.subject for m in _sent_mails()][1].endswith("using your data again")


def test_lifting_never_ends_an_opt_out_of_the_person() -> None:
    before, during = ann(), person(email="bob@shop.example")
    consent.opt_out(before, "any", BY)
    asked = [requests.record(p, "restriction", actor="eva") for p in (before, during)]
    for each in asked:
        requests.decide(each, is_granted=True, actor="olga")
        # What happens meanwhile, such as an objection of their own, is theirs.
    consent.record(during, consent.Kind.OPT_OUT, BY, scope="any")
    for each in asked:
        requests.lift(each, actor="olga", note="verified")
    for each in (before, during):
        each.refresh_from_db()
        assert each.no_longer_contact


def test_nothing_is_received_in_the_future() -> None:
    soon = timezone.now() + timedelta(days=1)
    with pytest.raises(NotPossible, match="future"):
        requests.record(ann(), "access", actor="eva", received_at=soon)
    old = datetime(2026, 1, 31, 12, tzinfo=UTC)
    made = requests.record(
        Profile.objects.get(), "access", actor="eva", received_at=old
    )
    assert made.due_on == date(2026, 2, 28)
    assert list(requests.queue()) == [made]
