"""A "no" in a file that may opt in undoes no opt-out of the file, nor a later one."""

import time
from pathlib import Path

import pytest

from audiences import consent
from audiences.imports import engine, runs
from audiences.models import ImportReject, ImportRun, Profile
from audiences.records.verification import verify_consent
from tests.factories import ProfileFactory

from .test_what_restricts import out_of, rejects, run

pytestmark = pytest.mark.django_db
HEADER = "external_id,email,no_longer_contact_email\n"
MAY = ("--allow-opt-in", "--note", "asked at the desk")
BY_PERSON = consent.Origin(source=consent.Source.ONE_CLICK)


@pytest.fixture
def jan() -> Profile:
    return ProfileFactory(external_id="C1", email="jan@x.example")


@pytest.mark.parametrize("chunk", [1, 2000])
@pytest.mark.parametrize("is_out", [False, True])
@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("C1,,1\n,jan@x.example,0\n", "3"),
        (",jan@x.example,1\nC1,,0\n", "3"),
        ("C1,,0\n,jan@x.example,1\n", ""),
        ("N1,new@x.example,1\nC1,,1\n,new@x.example,0\n,jan@x.example,0\n", "4"),
    ],
)
def test_an_opt_out_of_the_file_stays_however_the_person_is_named(
    jan: Profile,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    rows: str,
    told: str,
    is_out: bool,
    chunk: int,
) -> None:
    monkeypatch.setattr(engine, "CHUNK_SIZE", chunk)
    if is_out:
        consent.opt_out(jan, "email", BY_PERSON)
    run(tmp_path, HEADER + rows, *MAY)
    assert out_of(jan) == {"email"}
    new = Profile.objects.filter(external_id="N1")
    assert all(each.no_longer_contact_email for each in new)
    if told:
        assert rejects(tmp_path)[0] == (told, "no_longer_contact_email", "imported")
    assert verify_consent().is_consistent


def _uploaded(text: str) -> ImportRun:
    upload = runs.upload(
        "people.csv",
        [text.encode()],
        actor="ann",
        allow_opt_in=True,
        note="asked at the desk",
    )
    runs.perform(upload)
    return upload


def _confirmed(upload: ImportRun) -> list[tuple[int, str]]:
    upload.refresh_from_db()
    runs.confirm(upload)
    runs.perform(upload)
    upload.refresh_from_db()
    assert upload.state == ImportRun.State.DONE
    told = ImportReject.objects.filter(run=upload)
    return list(told.values_list("row", "field"))


def test_who_opts_out_after_the_upload_stays_so(jan: Profile) -> None:
    ann = ProfileFactory(external_id="C2", email="ann@x.example")
    consent.opt_out(ann, "email", BY_PERSON)
    time.sleep(0.01)  # SQLite notes no more than milliseconds
    upload = _uploaded(HEADER + "C1,,0\nC2,,0\n")
    consent.opt_out(jan, "email", BY_PERSON)
    consent.opt_out(jan, "sms", BY_PERSON)
    assert _confirmed(upload) == [(2, "no_longer_contact_email")]
    assert out_of(jan) == {"email", "sms"}
    # The file is newer than what she said.
    assert out_of(ann) == set()
    upload.refresh_from_db()
    assert upload.counts["kept_out"] == 1


def test_another_import_in_between_stays_too(jan: Profile) -> None:
    first = _uploaded(HEADER + "C1,,0\n")
    assert _confirmed(_uploaded(HEADER + "C1,,1\n")) == []
    assert _confirmed(first) == [(2, "no_longer_contact_email")]
    assert out_of(jan) == {"email"}
