"""verify_consent finds what was changed behind the writers, in both directions."""

import io
import json
import shutil
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audiences import consent, privacy, subscriptions
from audiences.channels import FLAGS, Scope
from audiences.consent import Origin, record
from audiences.models import ConsentEvent, Profile, Service, Subscription
from audiences.records.verification import verify_consent
from audiences.sql import execute, is_postgresql
from tests.commands.conftest import process
from tests.factories import BY_COMMAND, ProfileFactory, ServiceFactory, many_profiles
from tests.people import person

pytestmark = pytest.mark.django_db

Status = Subscription.Status
TABLE = Subscription._meta.db_table
# The steps that lead to each status; pending and expired have no writer yet.
WAYS = {
    Status.PENDING: ["request"],
    Status.ACTIVE: ["subscribe"],
    Status.UNSUBSCRIBED: ["subscribe", "unsubscribe"],
    Status.EXPIRED: ["subscribe", "expire"],
}


def brought_to(status: str, profile: Profile, service: Service) -> None:
    """History and row agree on the status."""
    for kind in WAYS[Status(status)]:
        event(profile, service, kind)
    Subscription.objects.create(
        profile=profile, service=service, status=status, changed_at=timezone.now()
    )


def event(profile: Profile, service: Service, kind: str) -> None:
    record(profile, ConsentEvent.Kind(kind), BY_COMMAND, service_id=service.pk)


def crowd(service: Service) -> None:
    """People about whom everything agrees, and who must not be listed."""
    for profile in many_profiles(3, prefix="crowd"):
        subscriptions.subscribe(profile, service, BY_COMMAND)
        consent.opt_out(profile, "any", BY_COMMAND)
    subscriptions.subscribe_all(Profile.objects.all(), ServiceFactory(), BY_COMMAND)


def run(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("verify_consent", *arguments, stdout=out, stderr=err)
    except CommandError as error:
        return error.returncode, out.getvalue(), f"{err.getvalue()}{error}"
    return 0, out.getvalue(), err.getvalue()


# ------------------------------------------------------------------ subscriptions
@pytest.mark.parametrize("status", list(Status))
def test_nothing_is_said_while_history_and_row_agree(status: str) -> None:
    profile, service = ProfileFactory(), ServiceFactory()
    crowd(service)
    brought_to(status, profile, service)
    assert verify_consent().differences == []
    assert verify_consent().is_consistent


@pytest.mark.parametrize("truth", list(Status))
@pytest.mark.parametrize("written", list(Status))
def test_a_status_changed_by_sql_is_found_in_both_directions(
    truth: str, written: str
) -> None:
    profile, service = ProfileFactory(), ServiceFactory()
    crowd(service)
    brought_to(truth, profile, service)
    sql = f"UPDATE {TABLE} SET status = %s WHERE profile_id = %s AND service_id = %s"
    assert execute(sql, [written, profile.pk, service.pk]) == 1
    about = f"profile {profile.pk}, service {service.pk}:"
    assert sorted(verify_consent().differences) == sorted(
        []
        if truth == written
        else [
            f"{about} the subscription is {written}, but the history does not say so",
            f"{about} the history ends in {truth}, but the subscription does not",
        ]
    )


@pytest.mark.parametrize("status", list(Status))
def test_a_row_deleted_by_sql_is_found(status: str) -> None:
    profile, service = ProfileFactory(), ServiceFactory()
    crowd(service)
    brought_to(status, profile, service)
    sql = f"DELETE FROM {TABLE} WHERE profile_id = %s AND service_id = %s"
    assert execute(sql, [profile.pk, service.pk]) == 1
    (line,) = verify_consent().differences
    assert line.startswith(f"profile {profile.pk}, service {service.pk}: the history")
    assert f"ends in {status}," in line


@pytest.mark.parametrize("status", list(Status))
def test_a_row_added_by_sql_is_found(status: str) -> None:
    profile, service = ProfileFactory(), ServiceFactory()
    crowd(service)
    sql = (
        f"INSERT INTO {TABLE} (profile_id, service_id, status, changed_at)"
        " VALUES (%s, %s, %s, CURRENT_TIMESTAMP)"
    )
    execute(sql, [profile.pk, service.pk, status])
    (line,) = verify_consent().differences
    assert line.startswith(f"profile {profile.pk}, service {service.pk}: the subscript")
    assert f"is {status}," in line


@pytest.mark.parametrize("column", ["profile_id", "service_id"])
def test_a_row_moved_to_somebody_else_is_found_at_both(column: str) -> None:
    profile, other = ProfileFactory(), ProfileFactory()
    service, service_2 = ServiceFactory(), ServiceFactory()
    subscriptions.subscribe(profile, service, BY_COMMAND)
    moved = other.pk if column == "profile_id" else service_2.pk
    execute(f"UPDATE {TABLE} SET {column} = %s", [moved])
    starts = {line.partition(":")[0] for line in verify_consent().differences}
    assert starts == {
        f"profile {profile.pk}, service {service.pk}",
        f"profile {other.pk}, service {service.pk}"
        if column == "profile_id"
        else f"profile {profile.pk}, service {service_2.pk}",
    }


def test_an_event_that_no_row_follows_is_found() -> None:
    profile, service = ProfileFactory(), ServiceFactory()
    subscriptions.subscribe(profile, service, BY_COMMAND)
    event(profile, service, "unsubscribe")
    assert len(verify_consent().differences) == 2
    event(profile, service, "confirm")
    assert verify_consent().is_consistent


def test_ids_not_times_order_the_history() -> None:
    profile, service = ProfileFactory(), ServiceFactory()
    now = timezone.now()
    for step, days in (("subscribe", 0), ("unsubscribe", 9)):
        origin = Origin(source="import", note="list", at=now - timedelta(days=days))
        getattr(subscriptions, step)(profile, service, origin)
    assert verify_consent().is_consistent


# ------------------------------------------------------------------ flags
@pytest.mark.parametrize("scope", list(Scope))
@pytest.mark.parametrize("history", ["none", "opt_out", "opt_in", "others"])
def test_each_flag_changed_by_sql_is_found_in_its_direction(
    scope: Scope, history: str
) -> None:
    profile = ProfileFactory()
    crowd(ServiceFactory())
    if history in ("opt_out", "opt_in"):
        consent.opt_out(profile, scope, BY_COMMAND)
    if history == "opt_in":
        consent.opt_in(profile, scope, BY_COMMAND)
    if history == "others":
        for other in set(Scope) - {scope}:
            consent.opt_out(profile, other, BY_COMMAND)
    assert verify_consent().is_consistent
    truth = history == "opt_out"
    execute(
        f"UPDATE audiences_profile SET {FLAGS[scope]} = %s WHERE id = %s",
        [not truth, profile.pk],
    )
    found = verify_consent()
    assert not found.is_consistent
    assert found.differences == [
        f"profile {profile.pk}: {FLAGS[scope]} is clear, "
        "but the history ends with an opt-out"
        if truth
        else f"profile {profile.pk}: {FLAGS[scope]} is set, "
        "but the history does not end with an opt-out"
    ]


def test_each_of_many_differences_is_listed_once() -> None:
    people = [*many_profiles(20), person(email="a@b.example")]
    for profile in people[:10]:
        consent.opt_out(profile, "email", BY_COMMAND)
    execute(
        "UPDATE audiences_profile"
        " SET no_longer_contact_email = NOT no_longer_contact_email"
    )
    starts = sorted(line.partition(":")[0] for line in verify_consent().differences)
    assert starts == sorted(f"profile {profile.pk}" for profile in people)


def test_query_count_is_the_same_for_10_and_1000_profiles() -> None:
    counts = set()
    person(email="a@b.example")
    for size in (10, 1000):
        many_profiles(size, prefix=f"{size}-")
        everybody = Profile.objects.all()
        consent.opt_out_all(everybody, "email", BY_COMMAND)
        subscriptions.subscribe_all(everybody, ServiceFactory(), BY_COMMAND)
        with CaptureQueriesContext(connection) as queries:
            assert verify_consent().is_consistent
        counts.add(len(queries))
    assert len(counts) == 1


# ------------------------------------------------------------------ the erased
def test_erased_profiles_are_listed_once_and_are_no_difference() -> None:
    service = ServiceFactory()
    people = many_profiles(4)
    for profile in people:
        consent.opt_out(profile, "sms", BY_COMMAND)
        consent.opt_out(profile, "any", BY_COMMAND)
        subscriptions.subscribe(profile, service, BY_COMMAND)
    gone = [people[2].pk, people[0].pk]
    for pk in gone:
        privacy.erase(Profile.objects.get(pk=pk))
    report = verify_consent()
    assert (report.is_consistent, report.differences) == (True, [])
    assert report.erased_profiles == sorted(gone)
    code, out, _err = run("--json")
    assert code == 0
    assert json.loads(out)["erased_profiles"] == sorted(gone)
    code, out, err = run()
    assert (code, out) == (0, "")
    assert [f"profile {pk} " in err for pk in gone] == [True, True]


def test_who_was_erased_without_a_history_is_listed_by_the_erasure() -> None:
    profile = ProfileFactory()
    pk = profile.pk
    privacy.erase(profile)
    assert verify_consent().erased_profiles == [pk]


def test_an_erased_profile_does_not_hide_the_differences_of_others() -> None:
    gone, stays = many_profiles(2)
    for profile in (gone, stays):
        consent.opt_out(profile, "sms", BY_COMMAND)
    Profile.objects.update(no_longer_contact_sms=False)
    privacy.erase(gone)
    report = verify_consent()
    assert [line.partition(":")[0] for line in report.differences] == [
        f"profile {stays.pk}"
    ]


# ------------------------------------------------------------------ the command
def test_agreement_is_exit_0_and_an_empty_list() -> None:
    crowd(ServiceFactory())
    code, out, _err = run("--json")
    assert code == 0
    assert json.loads(out) == {
        "consistent": True,
        "differences": [],
        "missing_guards": [],
        "erased_profiles": [],
    }
    code, out, err = run()
    assert (code, out) == (0, "")
    assert "agree" in err


def spoil_a_flag(profile: Profile, service: Service) -> None:
    Profile.objects.filter(pk=profile.pk).update(no_longer_contact_fax=True)


def spoil_a_row(profile: Profile, service: Service) -> None:
    Subscription.objects.filter(profile=profile, service=service).delete()


def spoil_a_guard(profile: Profile, service: Service) -> None:
    table = ConsentEvent._meta.db_table
    execute(
        f"DROP TRIGGER {table}_append_only ON {table}"
        if is_postgresql()
        else f"DROP TRIGGER {table}_no_update"
    )


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (spoil_a_flag, "no_longer_contact_fax"),
        (spoil_a_row, "history ends in active"),
        (spoil_a_guard, "audiences_consentevent_"),
    ],
)
def test_a_difference_is_exit_1_and_is_named(spoil: Any, named: str) -> None:
    profile, service = ProfileFactory(), ServiceFactory()
    subscriptions.subscribe(profile, service, BY_COMMAND)
    assert run()[0] == 0
    spoil(profile, service)
    code, out, err = run("--json")
    told = json.loads(out)
    assert (code, told["consistent"]) == (1, False)
    (line,) = told["differences"] + told["missing_guards"]
    assert named in line
    assert len(told["missing_guards"]) == (spoil is spoil_a_guard)
    code, out, err = run()
    assert (code, out.count("\n")) == (1, 1)
    assert named in out
    assert "1 difference" in err


@pytest.mark.one_database
def test_a_process_exits_1_with_one_json_object_on_stdout(
    migrated: Path, tmp_path: Path
) -> None:
    database = tmp_path / "campaign.sqlite3"
    shutil.copy(migrated, database)
    people = tmp_path / "people.csv"
    people.write_text("external_id,email\nx1,a@x.example\n")
    assert process(database, "import_profiles", str(people)).code == 0
    assert process(database, "verify_consent").code == 0
    with sqlite3.connect(database) as direct:
        direct.execute("UPDATE audiences_profile SET no_longer_contact = 1")
    done = process(database, "verify_consent", "--json")
    assert done.code == 1
    (line,) = json.loads(done.out)["differences"]
    assert "no_longer_contact is set" in line
