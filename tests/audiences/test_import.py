"""Import: the contract row by row, and the same whatever the size of a chunk."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings, strategies as st

from audiences import sql
from audiences.files.delimited import DelimitedFile
from audiences.imports import engine
from audiences.models import Address, ConsentEvent, Profile
from audiences.records.verification import verify_consent

pytestmark = pytest.mark.django_db


def run(folder: Path, content: str | bytes, *arguments: str) -> dict[str, Any]:
    path = folder / "people.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    out = StringIO()
    call_command("import_profiles", str(path), "--json", *arguments, stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def dump() -> list[Any]:
    return [
        list(model.objects.order_by("pk").values())
        for model in (Profile, Address, ConsentEvent)
    ]


def people() -> dict[str | None, list[tuple[str, str, bool]]]:
    return {
        p.external_id: sorted(p.addresses.values_list("channel", "value", "is_primary"))
        for p in Profile.objects.order_by("pk")
    }


COUNTS = ("created", "updated", "unchanged", "rejected", "bad_values")
TWO = "external_id,email\nA,a@x.example\nB,b@x.example\n"


@pytest.mark.parametrize(
    "content",
    [
        TWO.encode(),
        TWO.encode("utf-8-sig"),
        TWO.encode("utf-16"),
        TWO.encode("utf-32"),
        b"sep=,\n" + TWO.encode(),
        ("sep=|\n" + TWO.replace(",", "|")).encode(),
        TWO.replace("\n", ",,\n").encode(),
        TWO.replace("external_id,email", '"external_\nid","\ufeffe-mail"').encode(),
        b"\xef\xbb\xbf\xef\xbb\xbf" + TWO.encode(),
        b"\xc3\xaf\xc2\xbb\xc2\xbf" + TWO.encode(),
        TWO.replace(",", ";").encode(),
        TWO.replace(",", "\t").encode(),
        TWO.replace("\n", "\r\n").encode(),
        TWO.replace("\n", "\r").encode(),
        TWO.replace("\n", "\n\n").encode(),
        TWO.replace("external_id,email", " External ID , E-Mail ").encode(),
        TWO.replace("external_id,email", "klantnummer,emailadres").encode(),
        TWO.rstrip("\n").encode(),
    ],
)
def test_files_as_people_send_them_are_read(tmp_path: Path, content: bytes) -> None:
    assert run(tmp_path, content) == dict(zip(COUNTS, [2, 0, 0, 0, 0], strict=True))
    assert people() == {
        "A": [("email", "a@x.example", True)],
        "B": [("email", "b@x.example", True)],
    }


def test_windows_1252_is_read_when_it_is_not_utf_8(tmp_path: Path) -> None:
    run(tmp_path, "external_id,first_name\nA,Zoë €".encode("cp1252"))
    assert Profile.objects.get().first_name == "Zoë €"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (TWO.encode("utf-16-le"), "UTF-16"),
        (TWO.encode("utf-16-be"), "UTF-16"),
        (b"external_id,colour\nA,red", "colour"),
        (b"email,E-mail\na@x.example,b@x.example", "mean the same"),
        (b"external_id,first_name\nA,\x81\n", "line 2"),
        (b'external_id,"email\nA,b', "header"),
    ],
)
def test_unusable_files_are_refused_whole(
    tmp_path: Path, content: bytes, says: str
) -> None:
    with pytest.raises(CommandError, match=says):
        run(tmp_path, content)
    assert not Profile.objects.exists()


@pytest.mark.parametrize("pair", ["nonsense=mail", "email=absent"])
def test_a_mapping_that_means_nothing_is_refused(tmp_path: Path, pair: str) -> None:
    with pytest.raises(CommandError, match="--map"):
        run(
            tmp_path,
            "external_id,mail\nA,a@x.example",
            "--map",
            pair,
            "--ignore-unknown",
        )


@pytest.mark.parametrize(
    ("line", "rejected"),
    [
        ('C,"Jan,c@x.example', 1),
        ('C,"Jan"x,c@x.example', 1),
        ("C,Jan", 0),
        ("C,Jan,c@x.example,more", 1),
        ("C,Jan,c@x.example,,", 0),
        ('C,"Jan\nJansen",c@x.example', 0),
        (",Jan,", 1),
        ("C,J\x00n,c@x.example", 1),
        ("A,Jan,c@x.example", 1),
    ],
)
def test_a_broken_row_never_takes_the_next_ones_along(
    tmp_path: Path, line: str, rejected: int
) -> None:
    counts = run(
        tmp_path,
        f'external_id,first_name,email\nA,An,\n{line}\nD,"Di, D",d@x.example\nE,,\n',
    )
    assert counts["rejected"] == rejected
    assert counts["created"] == 4 - rejected
    assert {"A", "D", "E"} <= set(people())
    rejects = tmp_path / "people.csv.rejects.csv"
    if rejected:
        header, first, *_rest = rejects.read_text().splitlines()
        assert header == "row,field,reason,outcome"
        assert first.startswith("3,")
        assert first.endswith(",rejected")


@pytest.mark.parametrize(
    ("word", "flag"),
    [(w, True) for w in "1 true T yes y ja J x on WAAR 1.0".split()]
    + [(w, False) for w in ["", *"0 false F no n nee off ONWAAR 0.0 NULL".split()]],
)
def test_words_for_true_and_false(tmp_path: Path, word: str, flag: bool) -> None:
    run(tmp_path, f"external_id,geen_contact\nA,{word}\n")
    assert Profile.objects.get().no_longer_contact is flag


@pytest.mark.parametrize("word", ["maybe", "2", "-", "truefalse", "1,0"])
def test_any_other_word_rejects_the_row(tmp_path: Path, word: str) -> None:
    assert run(tmp_path, f"external_id,no_longer_contact\nA,{word}\n")["rejected"] == 1


@pytest.mark.parametrize("word", ["WAHR", "Oui", "1,0", "VRAI", "sí", "✓"])
def test_yes_is_understood_as_spreadsheets_of_other_languages_say_it(
    tmp_path: Path, word: str
) -> None:
    run(tmp_path, f"email;no_longer_contact_email\na@x.example;{word}\n")
    assert Profile.objects.get().no_longer_contact_email


def test_false_opts_in_only_when_allowed_with_a_note(tmp_path: Path) -> None:
    run(tmp_path, "external_id,no_longer_contact_sms\nA,1\n")
    no = "external_id,no_longer_contact_sms\nA,0\n"
    assert run(tmp_path, no)["unchanged"] == 1
    with pytest.raises(CommandError) as refusal:
        run(tmp_path, no, "--allow-opt-in")
    assert refusal.value.returncode == 2
    assert Profile.objects.get().no_longer_contact_sms
    assert run(tmp_path, no, "--allow-opt-in", "--note", "asked")["updated"] == 1
    assert not Profile.objects.get().no_longer_contact_sms
    assert verify_consent().is_consistent


def test_a_new_email_becomes_primary_and_the_old_one_stays(tmp_path: Path) -> None:
    run(tmp_path, "external_id,email,email_2\nA,one@x.example,two@x.example\n")
    run(tmp_path, "external_id,email\nA,new@x.example\n")
    assert people()["A"] == [
        ("email", "new@x.example", True),
        ("email", "one@x.example", False),
        ("email", "two@x.example", False),
    ]


def test_ambiguous_email_is_rejected_with_ids_and_twins_stay_twins(
    tmp_path: Path,
) -> None:
    run(tmp_path, "external_id,email\nA,a@x.example\nB,A@x.example\n")
    assert Profile.objects.count() == 2
    assert run(tmp_path, "email,first_name\na@X.example,Jan\n")["rejected"] == 1
    said = (tmp_path / "people.csv.rejects.csv").read_text()
    assert all(str(pk) in said for pk in Profile.objects.values_list("pk", flat=True))


def test_an_invalid_address_is_kept_and_reported(tmp_path: Path) -> None:
    counts = run(tmp_path, "external_id,email\nA,  =Jan AT x \n")
    assert (counts["created"], counts["bad_values"]) == (1, 1)
    kept = Address.objects.get()
    assert (kept.key, kept.is_valid, kept.is_primary) == ("=jan at x", False, True)
    assert run(tmp_path, "external_id,email\nA,=Jan AT x\n")["unchanged"] == 1


def test_dry_run_changes_nothing_and_names_whose_state(tmp_path: Path) -> None:
    run(tmp_path, TWO)
    before = dump()
    counts = run(
        tmp_path,
        "external_id,first_name,no_longer_contact_email\nA,X,1\nB,,0\nC,,1\n",
        "--dry-run",
    )
    assert [counts[name] for name in COUNTS] == [1, 1, 1, 0, 0]
    assert [c["external_id"] for c in counts["state_changes"]] == ["A", "C"]
    assert dump() == before


def test_strict_exits_1_after_the_work_is_done(tmp_path: Path) -> None:
    with pytest.raises(CommandError) as refusal:
        run(tmp_path, TWO + "A,\n", "--strict")
    assert refusal.value.returncode == 1
    assert Profile.objects.count() == 2


@pytest.mark.parametrize("name", ["absent.csv", "."])
def test_a_missing_file_or_a_directory_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(CommandError):
        call_command("import_profiles", str(tmp_path / name))


def test_rejects_that_cannot_be_written_stop_before_the_import(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="rejects"):
        run(tmp_path, TWO, "--rejects", str(tmp_path / "no" / "such.csv"))
    assert not Profile.objects.exists()


def test_an_interrupted_import_can_be_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "CHUNK_SIZE", 2)
    content = "external_id\n" + "\n".join("ABCDEF")
    records = DelimitedFile.records

    def break_off(file: DelimitedFile, progress: Any = None) -> Any:
        for number, record in enumerate(records(file, progress)):
            if number == 4:
                raise KeyboardInterrupt
            yield record

    with monkeypatch.context() as patch:
        patch.setattr(DelimitedFile, "records", break_off)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, content)
    assert Profile.objects.count() == 4
    counts = run(tmp_path, content)
    assert (counts["created"], counts["unchanged"]) == (2, 4)


def test_statements_are_the_same_for_10_and_1000_rows(tmp_path: Path) -> None:
    found = []
    for size in (10, 1000):
        rows = (f"{size}-{n},p{n}@{size}.example,1" for n in range(size))
        content = "external_id,email,no_longer_contact\n" + "\n".join(rows)
        for _again in range(2):
            with CaptureQueriesContext(connection) as queries:
                run(tmp_path, content)
            found.append(len(queries))
    # The first staging of a connection is the same statement: nothing else differs.
    assert found[:2] == found[2:]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="advisory locks re-enter")
def test_a_second_import_at_once_is_refused(tmp_path: Path) -> None:
    with sql.process_lock("import"), pytest.raises(CommandError, match="busy"):
        run(tmp_path, TWO)


# ------------------------------------------------------------------ against an oracle
def _say(person: dict[str, Any], flag: str, stay: set[int]) -> bool:
    """Let a row say it of the person; whether it is told that it was not done."""
    if flag == "1":
        stay.add(id(person))
    if flag == "0" and person["out"] and id(person) in stay:
        return True
    if flag and (flag == "1") != person["out"]:
        person["out"] = flag == "1"
        person["log"].append("opt_out" if person["out"] else "opt_in")
    return False


def oracle(rows: list[tuple[str, ...]]) -> tuple[list[int], list[Any]]:
    """The contract, one row after the other, on plain dictionaries."""
    counts = dict.fromkeys(COUNTS, 0)
    world: list[dict[str, Any]] = []
    seen: set[tuple[str, str]] = set()
    # Whom the file opts out, or says to be so: no other row opts them in.
    stay: set[int] = set()
    for ext, email, second, name, flag in rows:
        key = email.casefold()
        who = ("id", ext) if ext else ("@", key)
        if ext:
            found = [p for p in world if p["ext"] == ext]
        else:
            found = [p for p in world if p["main"] == key]
            found = found or [p for p in world if key in p["emails"]]
        if (not ext and not email) or len(found) > 1:
            counts["rejected"] += 1
            continue
        if who in seen:
            # What restricts is done; the rest of the row is not.
            counts["rejected"] += 1
            if flag == "1":
                _say(found[0], flag, stay)
            continue
        seen.add(who)
        new = {
            "ext": ext,
            "main": "",
            "emails": {},
            "name": "",
            "out": False,
            "log": [],
        }
        person = found[0] if found else new
        before = repr(person)
        if key:
            person["emails"][key], person["main"] = email, key
        if second and second.casefold() != key:
            person["emails"][second.casefold()] = second
            person["main"] = person["main"] or second.casefold()
        person["name"] = name or person["name"]
        counts["bad_values"] += _say(person, flag, stay)
        if not found:
            world.append(person)
        outcome = "created" if not found else "updated"
        counts[outcome if repr(person) != before or not found else "unchanged"] += 1
    return list(counts.values()), [
        (p["ext"] or None, p["main"], p["emails"], p["name"], p["out"], p["log"])
        for p in world
    ]


def world() -> list[Any]:
    return [
        (
            p.external_id,
            getattr(p.addresses.filter(is_primary=True).first(), "key", ""),
            dict(p.addresses.values_list("key", "value")),
            p.first_name,
            p.no_longer_contact,
            list(p.consent_events.order_by("id").values_list("kind", flat=True)),
        )
        for p in Profile.objects.order_by("pk")
    ]


EMAILS = st.sampled_from(
    ["", "a@x.example", "A@x.example", "b@x.example", "c@x.example"]
)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["", "", "P", "Q", "R"]),
        EMAILS,
        EMAILS,
        st.sampled_from(["", "Jan", "An"]),
        st.sampled_from(["", "0", "1"]),
    ),
    max_size=8,
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(ROWS, st.sampled_from([1, 2, 3, 5000]))
def test_any_file_in_any_chunks_gives_what_the_contract_says(
    tmp_path: Path, rows: list[tuple[str, ...]], size: int
) -> None:
    from django.db import transaction

    header = "external_id,email,email_2,first_name,no_longer_contact\n"
    content = header + "".join(",".join(row) + "\n" for row in rows)
    with pytest.MonkeyPatch.context() as patch, transaction.atomic():
        patch.setattr(engine, "CHUNK_SIZE", size)
        counts = run(tmp_path, content, "--allow-opt-in", "--note", "test")
        expected, people_expected = oracle(rows)
        # A line of commas alone is a row that names nobody, in both.
        assert ([counts[name] for name in COUNTS], world()) == (
            expected,
            people_expected,
        )
        assert verify_consent().is_consistent
        transaction.set_rollback(True)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.binary(max_size=120), st.sampled_from(",;\t"))
def test_random_bytes_are_counted_or_refused_and_never_crash(
    tmp_path: Path, noise: bytes, delimiter: str
) -> None:
    header = delimiter.join(["external_id", "email", "sms", "direct_mail"]).encode()
    try:
        run(tmp_path, header + b"\n" + noise)
    except CommandError as error:
        assert str(error)  # noqa: PT017  (refused or read: both are right)
