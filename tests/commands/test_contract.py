"""The words of the contract: keys, codes, messages, for good and for bad input."""

import csv
import io
import json

import pytest

from audiences import addresses
from audiences.models import Profile, Service
from delivery.models import Delivery, QuarantineEntry

CAUSES = ["address_missing", "address_invalid", "suppressed", "denylist_any_channel", "denylist_channel", "paused", "address_denylisted", "address_quarantined", "not_subscribed", "own_limit", "duplicate_address"]  # fmt: skip


@pytest.fixture
def people(db):
    """x1 and x2 share an address; =x3 has one that a spreadsheet would run."""
    made = []
    for name, email in (
        ("x1", "twin@x.example"),
        ("x2", "twin@x.example"),
        ("=x3", "+a@x.example"),
    ):
        profile = Profile.objects.create(external_id=name)
        addresses.attach(profile, "email", email)
        made.append(profile)
    return made


@pytest.fixture
def delivery(run, people):
    return run("create_delivery", "--label=D", "--channel=email").out.strip()


def json_of(outcome):
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


def test_the_report_has_the_promised_keys_and_codes_in_order(run, delivery, people):
    run("opt_out", "x2", "--channel=email")
    for options in (["--dry-run"], []):
        report = json_of(run("analyse_delivery", "D", "--json", *options))
        assert list(report) == [
            "delivery",
            "state",
            "targeted",
            "to_deliver",
            "excluded",
            "causes",
            "warnings",
            "seconds",
        ]
        assert report["delivery"] == {
            "id": int(delivery),
            "label": "D",
            "channel": "email",
            "purpose": "marketing",
        }
        assert [cause["code"] for cause in report["causes"]] == CAUSES
        assert all(
            list(line) == ["code", "label", "count"]
            for line in report["causes"] + report["warnings"]
        )
        assert {w["code"]: w["count"] for w in report["warnings"]} == {
            "shares_address_with_opted_out": 1
        }
        assert (report["targeted"], report["to_deliver"], report["excluded"]) == (
            3,
            2,
            1,
        )
        assert report["state"] == ("draft" if options else "ready")


def test_the_explanation_has_the_promised_keys(run, delivery, people):
    run("opt_out", "x2", "--channel=email")
    run("opt_out", "x2", "--any")
    assert json_of(run("explain_exclusion", "D", "x2", "--json")) == {
        "profile": people[1].pk,
        "address": "twin@x.example",
        "in_audience": True,
        "deciding": "denylist_any_channel",
        "matching": ["denylist_any_channel", "denylist_channel"],
    }
    free = json_of(run("explain_exclusion", "D", "x1", "--json"))
    assert (free["deciding"], free["matching"]) == (None, [])


def test_outside_the_audience_nothing_matches(run, people, tmp_path):
    file = tmp_path / "list.txt"
    file.write_text("x1\n")
    run("create_delivery", "--label=L", "--channel=email", f"--audience=list:{file}")
    run("opt_out", "x2", "--any")
    found = json_of(run("explain_exclusion", "L", "x2", "--json"))
    assert (found["in_audience"], found["deciding"], found["matching"]) == (
        False,
        None,
        [],
    )


def rows(outcome):
    assert outcome.code == 0, outcome.err
    return list(csv.reader(io.StringIO(outcome.out)))


def test_outcomes_are_exported_with_formulas_escaped(run, delivery, people):
    run("opt_out", "x2", "--channel=email")
    run("analyse_delivery", "D")
    header = ["profile", "external_id", "address", "code", "label"]
    target = rows(run("export_outcomes", "D", "--target"))
    assert target[0] == header
    assert [row[1:3] for row in target[1:]] == [
        ["x1", "twin@x.example"],
        ["'=x3", "'+a@x.example"],
    ]
    [excluded] = rows(run("export_outcomes", "D", "--excluded"))[1:]
    assert excluded[1:4] == ["x2", "twin@x.example", "denylist_channel"]
    warned = rows(
        run("export_outcomes", "D", "--warning", "shares_address_with_opted_out")
    )
    assert (warned[0], warned[1][1]) == (header, "x1")


def test_a_profile_is_shown_with_all_that_is_known(run, people):
    run("create_service", "news", "--label=News", "--channel=email")
    run("subscribe", "x1", "news")
    run("quarantine_address", "twin@x.example", "--channel=email")
    known = json_of(run("show_profile", "x1", "--json"))
    assert {"flags", "addresses", "subscriptions", "history"} <= set(known)
    assert known["addresses"][0]["quarantine_status"] == "quarantine"
    assert known["subscriptions"][0]["service"] == "news"
    assert len(known["history"]) == 1
    assert run("show_profile", "x1").code == 0


def test_an_address_is_shown_with_entry_errors_and_profiles(run, people):
    run(
        "record_error",
        "TWIN@x.example",
        "--channel=email",
        "--type=hard",
        "--reason=refused",
        "--text=[550] no",
    )
    known = json_of(run("show_address", "twin@x.example", "--channel=email", "--json"))
    assert (known["entry"]["status"], known["entry"]["reason"]) == (
        "quarantine",
        "refused",
    )
    assert [error["text"] for error in known["errors"]] == ["[550] no"]
    assert [profile["external_id"] for profile in known["profiles"]] == ["x1", "x2"]
    assert run("show_address", "twin@x.example", "--channel=email").code == 0
    clean = json_of(run("show_address", "no@x.example", "--channel=email", "--json"))
    assert (clean["entry"], clean["errors"], clean["profiles"]) == (None, [], [])


def test_opting_in_to_a_channel_warns_while_any_is_set(run, people):
    run("opt_out", "x1", "--any")
    done = run("opt_in", "x1", "--channel=email", "--note=by phone")
    assert (done.code, "Warning" in done.err, "Warning" in done.out) == (0, True, False)
    people[0].refresh_from_db()
    assert people[0].no_longer_contact


def test_subscribing_an_opted_out_profile_succeeds_with_a_warning(run, people):
    run("create_service", "news", "--label=News", "--channel=email")
    run("opt_out", "x1", "--channel=email")
    done = run("subscribe", "x1", "news", "--note=asked")
    assert (done.code, "Warning" in done.err) == (0, True)


def test_a_bulk_release_reports_what_it_did(run, db):
    for text in ("outage", "unknown"):
        run(
            "record_error",
            f"{text}@x.example",
            "--channel=email",
            "--type=hard",
            "--at=2026-05-01",
            f"--text={text}",
        )
    period = ["--text=outage", "--from=2026-04-30", "--to=2026-05-02"]
    preview = json_of(run("release_quarantine", *period, "--dry-run", "--json"))
    assert preview == {"released": 1, "kept": 0, "dry_run": True}
    assert run("release_quarantine", *period).code == 0
    assert set(QuarantineEntry.objects.values_list("key", "status")) == {
        ("outage@x.example", "valid"),
        ("unknown@x.example", "quarantine"),
    }


def test_rejected_rows_of_a_quarantine_file_go_to_a_file(run, db, tmp_path):
    file = tmp_path / "bad.csv"
    file.write_text("channel;address\nemail;=nobody\nemail;a@x.example\n")
    counts = json_of(run("import_quarantine", file, "--json"))
    assert counts == {"changed": 1, "unchanged": 0, "rejected": 1, "dry_run": False}
    [reject] = list(csv.reader((tmp_path / "bad.csv.rejects.csv").open()))[1:]
    assert (reject[0], reject[1], reject[3]) == ("2", "address", "rejected")
    assert run("import_quarantine", file, "--rejects", file).code == 2
    assert run("import_quarantine", file, "--rejects", tmp_path / "no" / "x").code == 1


BAD = [
    # (arguments, exit code, what the message names); F is a folder for files
    (["show_profile", "nobody"], 1, ["nobody"]),
    (["show_profile", "twin@x.example"], 1, ["ext:x1", "ext:x2"]),
    (["show_profile", "id:x1"], 1, ["id:x1"]),
    (["show_profile", "99999999999999999999"], 1, ["99999999999999999999"]),
    (["opt_out", "twin@x.example", "--any"], 1, ["ext:x1", "ext:x2"]),
    (["opt_in", "x1", "--any", "--note= "], 1, ["note"]),
    (["subscribe", "x1", "nope"], 1, ["nope", "news"]),
    (["unsubscribe", "x1", "nope"], 1, ["nope", "news"]),
    (["create_service", "news", "--label=L", "--channel=email"], 1, ["slug"]),
    (["create_service", "a b", "--label=L", "--channel=email"], 1, ["slug"]),
    (["create_service", "b", "--label=", "--channel=email"], 1, ["label"]),
    (["create_delivery", "--label=D", "--channel=email"], 1, ["D", "already"]),
    (["create_delivery", "--label= ", "--channel=email"], 1, ["label"]),
    (["create_delivery", "--label=E", "--channel=sms", "--service=news"], 1, ["news", "email", "sms"]),
    (["create_delivery", "--label=E", "--channel=email", "--service=nope"], 1, ["nope"]),
    (["create_delivery", "--label=E", "--channel=email", "--audience=service:nope"], 1, ["nope"]),
    (["create_delivery", "--label=E", "--channel=email", "--audience=nope"], 1, ["nope"]),
    (["create_delivery", "--label=E", "--channel=email", "--typology=nope"], 1, ["nope"]),
    (["create_delivery", "--label=E", "--channel=email", "--audience=list:/no/file"], 1, ["/no/file"]),
    (["create_delivery", "--label=E", "--channel=email", "--audience=list:F/list"], 1, ["line 2", "line 4"]),
    (["create_delivery", "--label=E", "--channel=email", "--audience=list:F/empty"], 1, ["nobody"]),
    (["analyse_delivery", "nope"], 1, ["nope"]),
    (["analyse_delivery", "id:999"], 1, ["id:999"]),
    (["explain_exclusion", "nope", "x1"], 1, ["nope"]),
    (["explain_exclusion", "D", "nope"], 1, ["nope"]),
    (["export_outcomes", "nope", "--target"], 1, ["nope"]),
    (["export_outcomes", "D", "--target"], 1, ["analyse_delivery"]),
    (["import_profiles", "F/nofile"], 1, ["nofile"]),
    (["import_profiles", "F/odd.csv"], 1, ["colour"]),
    (["import_profiles", "F/list", "--allow-opt-in"], 2, ["--note"]),
    (["import_profiles", "F/odd.csv", "--map", "email"], 2, ["NAME=COLUMN"]),
    (["import_profiles", "F"], 1, ["F"]),
    (["import_quarantine", "F"], 1, []),
    (["import_quarantine", "F/empty"], 1, ["empty"]),
    (["import_quarantine", "F/odd.csv"], 1, ["channel"]),
    (["record_error", "nobody", "--channel=email", "--type=hard"], 1, ["nobody", "@"]),
    (["quarantine_address", "0612", "--channel=sms"], 1, ["0612", "PHONE_REGION"]),
    (["release_quarantine", "a@x.example"], 2, ["--channel"]),
    (["release_quarantine", "--text=a", "--from=2026-05-01"], 2, ["--to"]),
    (["release_quarantine", "--text=a", "--from=2026-05-02", "--to=2026-05-01"], 2, ["--from"]),
    (["release_quarantine", "a@x.example", "--channel=email", "--text=a"], 2, ["ADDRESS"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    BAD,
    ids=lambda v: " ".join(v) if isinstance(v, list) else None,
)
def test_bad_input_is_refused_with_what_is_wrong(
    run, delivery, tmp_path, arguments, code, named
):
    run("create_service", "news", "--label=News", "--channel=email")
    (tmp_path / "list").write_text("x1\nunknown\n\ntwin@x.example\n")
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "odd.csv").write_text("email,colour\na@x.example,red\n")
    deliveries, services = Delivery.objects.count(), Service.objects.count()
    done = run(
        *[
            argument.replace("F/", f"{tmp_path}/") if argument != "F" else tmp_path
            for argument in arguments
        ]
    )
    assert (done.code, done.out) == (code, "")
    assert [word for word in named if word not in done.err and word != "F"] == []
    assert (Delivery.objects.count(), Service.objects.count()) == (deliveries, services)


@pytest.mark.parametrize("type", ["hard", "soft", "ignored"])
@pytest.mark.parametrize(
    ("at", "code"),
    [
        ("0001-01-02", 0),
        ("9999-12-31", 1),
        ("0001-01-01T00:00+14:00", 1),
        ("9999-12-31T23:59-14:00", 1),
    ],
)
def test_an_error_has_its_time_within_the_calendar(run, db, at, code, type):
    error = [f"--type={type}", f"--at={at}"]
    assert run("record_error", "a@x.example", "--channel=email", *error).code == code
    assert run("verify_quarantine").code == 0
    period = ["--text=a", f"--from={at}", f"--to={at}"]
    assert run("release_quarantine", *period).code == code


@pytest.mark.parametrize("status", ["quarantine", "denylisted", "erroneous", "valid"])
def test_an_operator_sets_any_status(run, db, status):
    run("quarantine_address", "a@x.example", "--channel=email", "--status=denylisted")
    run("quarantine_address", "a@x.example", "--channel=email", f"--status={status}")
    assert QuarantineEntry.objects.get().status == status
    assert run("release_quarantine", "a@x.example", "--channel=email").code == 0
    assert QuarantineEntry.objects.get().status == "valid"
