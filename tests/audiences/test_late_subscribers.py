"""Who unsubscribes by a row of a file, or after it was uploaded, is not subscribed by
another row of it."""

from pathlib import Path

import pytest

from audiences import subscriptions
from audiences.files import open_file
from audiences.imports import engine, runs
from audiences.imports.subscription_rows import Options
from audiences.imports.subscriptions import SubscriptionsImporter
from audiences.models import ImportReject, ImportRun, Profile, Service, Subscription
from audiences.records.verification import verify_consent
from tests.factories import BY_COMMAND, ProfileFactory, ServiceFactory

from .test_what_restricts import rejects, run

pytestmark = pytest.mark.django_db
HEADER = "external_id,service,action,date\n"
MAY = ("--revive", "--note", "asked at the desk")


@pytest.fixture
def jan() -> Profile:
    return ProfileFactory(external_id="C1")


@pytest.fixture
def news() -> Service:
    return ServiceFactory(slug="news")


def status() -> str:
    return Subscription.objects.values_list("status", flat=True).first() or ""


@pytest.mark.parametrize("chunk", [1, 2000])
@pytest.mark.parametrize("options", [(), MAY])
@pytest.mark.parametrize("held", ["", "active", "expired", "unsubscribed"])
def test_who_leaves_in_a_row_is_not_subscribed_by_the_next(
    jan: Profile,
    news: Service,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    held: str,
    options: tuple[str, ...],
    chunk: int,
) -> None:
    monkeypatch.setattr(engine, "CHUNK_SIZE", chunk)
    if held:
        subscriptions.subscribe(jan, news, BY_COMMAND)
    if held == "unsubscribed":
        subscriptions.unsubscribe(jan, news, BY_COMMAND)
    if held == "expired":
        Subscription.objects.update(status=held)
    rows = "C1,news,unsubscribe,\nC1,news,subscribe,\n"
    run(tmp_path, HEADER + rows, *options, command="subscriptions")
    assert status() != "active"
    assert rejects(tmp_path) == [("3", "action", "rejected")]


def test_dates_say_which_row_is_newer(
    jan: Profile, news: Service, tmp_path: Path
) -> None:
    rows = "C1,news,unsubscribe,2026-01-02\nC1,news,subscribe,2026-03-04\n"
    run(tmp_path, HEADER + rows, command="subscriptions")
    assert status() == ""
    run(tmp_path, HEADER + rows, *MAY, command="subscriptions")
    assert status() == "active"


def test_who_unsubscribes_after_the_upload_is_not_revived(
    jan: Profile, news: Service
) -> None:
    subscriptions.subscribe(jan, news, BY_COMMAND)
    upload = runs.upload(
        "news.csv",
        [(HEADER + "C1,news,subscribe,\n").encode()],
        kind="subscriptions",
        actor="ann",
        note="asked at the desk",
        details={"revive": "True"},
    )
    runs.perform(upload)
    subscriptions.unsubscribe(jan, news, BY_COMMAND)
    upload.refresh_from_db()
    runs.confirm(upload)
    runs.perform(upload)
    told = ImportReject.objects.filter(run=upload).values_list("row", "field")
    assert list(told) == [(2, "action")]
    upload.refresh_from_db()
    assert upload.state == ImportRun.State.DONE
    assert status() == "unsubscribed"
    assert verify_consent().is_consistent


def test_an_import_that_goes_on_knows_who_has_left(
    jan: Profile, news: Service, tmp_path: Path
) -> None:
    path = tmp_path / "news.csv"
    path.write_text(HEADER + "C1,news,unsubscribe,\nC1,news,subscribe,\n")
    file = open_file(path)
    importer = SubscriptionsImporter(file, Options())
    counts = engine.Import(file=file, importer=importer, after_line=2).run()
    assert counts["rejected"] == 1
    assert status() == ""


@pytest.mark.parametrize("heading", ["Unsubscribed on", "Afgemeld op", "Opt-out date"])
def test_the_date_on_which_somebody_left_subscribes_nobody(
    news: Service, tmp_path: Path, heading: str
) -> None:
    for number in "1234":
        person = ProfileFactory(external_id=f"C{number}")
        if number != "4":
            subscriptions.subscribe(person, news, BY_COMMAND)
    Subscription.objects.update(changed_at="2020-01-01T00:00:00Z")
    file = f"external_id,{heading}\nC1,2026-01-02\nC2,\nC3,yes\nC4,2026-01-02\n"
    options = ("--service=news", f"--map=date={heading}")
    run(tmp_path, file, *options, command="subscriptions")
    found = Subscription.objects.values_list("profile__external_id", "status")
    assert dict(found) == {"C1": "unsubscribed", "C2": "active", "C3": "unsubscribed"}
    told = [("3", "action", "rejected"), ("4", "date", "imported")]
    assert rejects(tmp_path) == told
