"""A receipt proves, without us, what a person agreed to; anything else is refused."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from audiences import consent, landing_pages, ledger, links, privacy, subscriptions
from audiences.consent import Origin
from audiences.ledger import keys, notes, receipts
from audiences.links import Link
from audiences.models import ConsentEvent, Profile
from tests.people import ORIGIN, person

pytestmark = pytest.mark.django_db
SCRIPT = Path(__file__).parents[2] / "docs" / "verify_receipt.py"


@pytest.fixture
def world() -> list[Profile]:
    """People who agreed on a page, by an import and by an operator."""
    service = subscriptions.create_service("news", label="News", channel="email")
    page = landing_pages.create("news", kind="subscription", service=service)
    landing_pages.publish(page, actor="eva")
    people = [person(email=f"p{n}@x.example", language="nl") for n in range(12)]
    seen = Origin(source="landing_page", ip="192.0.2.1", wording_version="news/1")
    subscriptions.subscribe(people[0], service, seen)
    consent.opt_out(people[0], "sms", ORIGIN)
    past = timezone.now() - timedelta(days=400)
    consent.opt_out(people[1], "email", Origin(source="import", note="x", at=past))
    for one in people[2:]:
        consent.opt_out(one, "email", ORIGIN)
    return people


@pytest.fixture
def files(world: list[Profile], tmp_path: Path) -> dict[str, Path]:
    """Receipts of two people, the checkpoint, and the key."""
    made = {name: tmp_path / name for name in ("receipt", "other", "checkpoint")}
    call_command("seal_ledger", verbosity=0)
    call_command("ledger_checkpoint", "--to", str(made["checkpoint"]))
    for name, one in (("receipt", world[0]), ("other", world[1])):
        call_command("consent_receipt", f"id:{one.pk}", "--to", str(made[name]))
    return made


def check(receipt: Any, checkpoint: str, key: str = "") -> tuple[int, str]:
    """What the script says, within this process."""
    scope: dict[str, Any] = {"__name__": "verify_receipt"}
    exec(compile(SCRIPT.read_text(), str(SCRIPT), "exec"), scope)
    try:
        return 0, scope["verify"](receipt, checkpoint, key or str(ledger.public_key()))
    except Exception as error:
        return 1, f"{type(error).__name__}: {error}"


def test_the_script_runs_by_itself(files: dict[str, Path], tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", str(SCRIPT), *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, cwd=tmp_path, check=False
        )

    key = str(ledger.public_key())
    done = run(str(files["receipt"]), str(files["checkpoint"]), key)
    assert (done.returncode, done.stderr) == (0, "")
    assert "subscribe of service" in done.stdout
    assert "opt_out of sms" in done.stdout
    assert done.stdout.count("\n") == 1
    files["receipt"].write_text(files["receipt"].read_text()[:-100])
    done = run(str(files["receipt"]), str(files["checkpoint"]), key)
    assert (done.returncode, done.stdout) == (1, "")
    assert "REFUSED" in done.stderr
    assert len(SCRIPT.read_text().splitlines()) < 100


def test_it_says_the_words_and_when_it_was_written_down(
    files: dict[str, Path], world: list[Profile]
) -> None:
    receipt = json.loads(files["receipt"].read_text())
    notice = receipt["privacy_notices"][0]
    assert notice["language"] == "nl"
    version = landing_pages.live("news")
    assert version
    assert notice["texts"]["agreement"] == version.content["texts"]["nl"]["agreement"]
    code, said = check(receipt, files["checkpoint"].read_text())
    assert code == 0
    assert repr(notice["texts"]["title"]) in said
    late = json.loads(files["other"].read_text())["consent_records"][0]
    assert late["remarks"] == ["recorded 400 days after the act, by import"]
    assert late["consent_status"] == "dpv:ConsentWithdrawn"


def _record(receipt: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = receipt["consent_records"][0]
    return found


FORGERIES: dict[str, Callable[[dict[str, Any], dict[str, Any]], Any]] = {
    "another person": lambda r, o: r.update(pii_principal=o["pii_principal"]),
    "another profile": lambda r, o: r["pii_principal"].update(profile=10**9),
    "another event": lambda r, o: r.update(consent_records=o["consent_records"]),
    "another proof": lambda r, o: _record(r).update(proof=_record(o)["proof"]),
    "a shorter proof": lambda r, o: _record(r)["proof"].pop(),
    "a longer proof": lambda r, o: _record(r)["proof"].append(_record(r)["proof"][0]),
    "another place": lambda r, o: _record(r).update(place=_record(r)["place"] + 1),
    "a place outside": lambda r, o: _record(r).update(place=10**9),
    "another time": lambda r, o: _record(r)["record"].update(event_time="2020"),
    "another kind": lambda r, o: _record(r)["record"].update(event_type="opt_in"),
    "other words": lambda r, o: r["privacy_notices"][0]["texts"].update(title="x"),
    "no words": lambda r, o: r.update(privacy_notices=[]),
    "nothing": lambda r, o: r.update(consent_records=[], privacy_notices=[]),
    "a field more": lambda r, o: _record(r)["record"].update(more=1),
    "no checkpoint": lambda r, o: r.pop("checkpoint"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_what_was_altered_is_refused(name: str, files: dict[str, Path]) -> None:
    receipt = json.loads(files["receipt"].read_text())
    other = json.loads(files["other"].read_text())
    checkpoint = files["checkpoint"].read_text()
    assert check(receipt, checkpoint)[0] == 0
    FORGERIES[name](receipt, other)
    code, said = check(receipt, checkpoint)
    assert code == 1, said


def test_no_digit_of_a_profile_moves_into_the_salt(
    world: list[Profile], files: dict[str, Path]
) -> None:
    """The name of profile 17 is also that of 7 under a salt that ends in a 1."""
    receipt = json.loads(files["receipt"].read_text())
    who, number = receipt["pii_principal"], str(world[0].pk)
    for kept in range(len(number)):
        moved = who["salt"] + number[: len(number) - kept].encode().hex()
        for profile in (number[len(number) - kept :], int(number[-kept:] or 0)):
            forged = receipt | {"pii_principal": {"profile": profile, "salt": moved}}
            code, said = check(forged, files["checkpoint"].read_text())
            assert (code, "another person" in said) == (1, True)
    forged = receipt | {"pii_principal": who | {"profile": number}}
    assert check(forged, files["checkpoint"].read_text())[0] == 1


def test_another_checkpoint_or_key_is_refused(
    files: dict[str, Path], world: list[Profile]
) -> None:
    receipt = json.loads(files["receipt"].read_text())
    checkpoint = files["checkpoint"].read_text()
    mine = notes.read(checkpoint, ledger.public_key())
    foreign = keys.parsed("/" * 42 + "8=")
    forged = notes.sign(mine, foreign)
    assert check(receipt, forged)[0] == 1
    assert check(receipt, checkpoint, str(notes.verifier_key(mine.origin, foreign)))[0]
    assert check(receipt, checkpoint.replace(str(mine.size), "9"))[0] == 1
    consent.opt_in(world[5], "email", ORIGIN)
    ledger.seal()
    later = ledger.make_checkpoint()[0].note
    code, said = check(receipt, later)
    assert code == 1
    assert f"{mine.size} leaves" in said
    # A file of several has the right one among them.
    assert check(receipt, f"{later}\n{checkpoint}")[0] == 0
    made = receipts.receipt(world[0], size=mine.size)
    assert check(made.data, checkpoint)[0] == 0


def test_all_other_receipts_hold_when_people_are_erased(
    files: dict[str, Path], world: list[Profile]
) -> None:
    for one in world[2:7]:
        privacy.erase(one)
    ledger.seal()
    checkpoint = ledger.make_checkpoint()[0].note
    for one in (world[0], world[1], *world[7:]):
        code, said = check(receipts.receipt(one).data, checkpoint)
        assert code == 0, said
    receipt = json.loads(files["receipt"].read_text())
    assert check(receipt, files["checkpoint"].read_text())[0] == 0
    assert ledger.verify(keys=ledger.known_keys()).differences == []


def test_it_is_small(world: list[Profile], files: dict[str, Path]) -> None:
    (event,) = ConsentEvent.objects.filter(profile=world[0], kind="subscribe")
    made = receipts.receipt(world[0], event.pk)
    assert len(made.data["consent_records"]) == 1
    # With a tree of 10 million leaves, each of two proofs has 15 hashes more.
    assert len(receipts.as_text(made.data).encode()) + 2 * 15 * 47 < 4_000


def test_refusals(world: list[Profile], files: dict[str, Path], tmp_path: Path) -> None:
    to = str(tmp_path / "x.json")
    pk = ConsentEvent.objects.filter(profile=world[1]).get().pk
    for arguments, words in (
        ((f"id:{world[0].pk}", "--event", str(pk), "--to", to), "has no event"),
        ((f"id:{world[0].pk}", "--to", str(tmp_path)), "--to"),
        ((f"id:{world[0].pk}", "--checkpoint", to, "--to", to), "--checkpoint"),
        (("id:999999", "--to", to), "999999"),
    ):
        with pytest.raises(CommandError, match=words):
            call_command("consent_receipt", *arguments)


# ---------------------------------------------------------------- behind a link
def test_two_taps_lead_from_a_message_to_the_receipt(
    world: list[Profile], files: dict[str, Path], client: Client
) -> None:
    url = links.one_click_url(Link(world[0].pk, "email")).removeprefix(
        "https://news.example.org"
    )
    token = url.removeprefix("/u/").rstrip("/")
    first = client.get(url).content.decode()
    assert f'href="/u/why/{token}/?lang=' in first
    page = client.get(f"/u/why/{token}/?lang=nl").content.decode()
    assert "Je hebt je aangemeld voor News." in page
    assert 'href="?as=json"' in page
    # No other token is in any answer.
    assert page.count(token) == 0
    answer = client.get(f"/u/why/{token}/?as=json")
    assert answer["Content-Type"] == "application/json"
    assert token not in answer.content.decode()
    code, said = check(answer.json(), files["checkpoint"].read_text())
    assert code == 0, said
    assert client.post(f"/u/why/{token}/").status_code == 404
    assert client.get(f"/u/why/{token[:-1]}/").status_code == 404


def test_a_link_that_shows_nothing_leads_nowhere(
    world: list[Profile], files: dict[str, Path], client: Client, settings: Any
) -> None:
    url = links.one_click_url(Link(world[0].pk, "email")).removeprefix(
        "https://news.example.org"
    )
    settings.LINK_KEYS = ["another-key-that-signs-from-now-on-" * 2]
    assert "/why/" not in client.get(url).content.decode()
    why = url.replace("/u/", "/u/why/")
    assert client.get(why).status_code == 404
    assert client.get(f"{why}?as=json").status_code == 404


def test_the_public_list_of_checkpoints(
    world: list[Profile], client: Client, files: dict[str, Path]
) -> None:
    checkpoint = files["checkpoint"].read_text()
    size = checkpoint.split("\n")[1]
    page = client.get("/ledger/")
    assert str(ledger.public_key()) in page.content.decode().replace("&#x27;", "'")
    assert f'href="/ledger/{size}"' in page.content.decode()
    assert not page.cookies
    assert "no-referrer" in page["Referrer-Policy"]
    assert client.get("/ledger").status_code == 200
    assert client.get("/ledger/checkpoint").content.decode() == checkpoint
    assert client.get(f"/ledger/{size}").content.decode() == checkpoint
    for missing in ("/ledger/999", "/ledger/x", "/ledger/999999999999999999"):
        assert client.get(missing).status_code == 404
    assert client.get(f"/ledger/?before={size}").status_code == 200
