"""What the database lets the site do, where it does not own its tables.

The owner migrates. The site's own role changes no schema, so whoever takes the site
over cannot take the guards away; histories it may read and add to, and no more.
"""

from collections.abc import Iterator

from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder

from audiences.refusals import Refused
from audiences.sql import execute, fetch, is_postgresql

from .departures import KeptGuard
from .evidence import EvidenceGuard
from .guards import GUARDS, TABLE, Guard

ALL = "SELECT, INSERT, UPDATE, DELETE"
_ONLY_ADD = "SELECT, INSERT"


class RoleRefused(Refused):
    """The role cannot be the site's."""


def statements(role: str) -> list[str]:
    """The grants for the role of the site, from the models; repeating them is safe.

    What was granted before and is not needed any more is taken away first.
    """
    quoted = connection.ops.quote_name
    name, database = quoted(role), quoted(str(connection.settings_dict["NAME"]))
    return [
        f"GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {name}",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        f"REVOKE ALL ON SCHEMA public FROM {name}",
        f"GRANT USAGE ON SCHEMA public TO {name}",
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {name}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {name}",
        *(
            f"GRANT {what} ON {quoted(table)} TO {name}"
            for table, what in sorted(_by_table())
        ),
    ]


def _by_table() -> Iterator[tuple[str, str]]:
    guards = {g.table: g for g in GUARDS.values() if isinstance(g, Guard)}
    present = set(connection.introspection.table_names())
    for model in apps.get_models(include_auto_created=True):
        table = model._meta.db_table
        if table in present:
            yield table, _privileges(guards[table]) if table in guards else ALL
    yield MigrationRecorder.Migration._meta.db_table, "SELECT"


def _privileges(guard: Guard) -> str:
    """Of a history: to read and to add; and what the guard itself lets happen."""
    if isinstance(guard, KeptGuard):
        return guard.privileges
    if isinstance(guard, EvidenceGuard):
        return f"{_ONLY_ADD}, DELETE"
    columns = ", ".join(map(connection.ops.quote_name, guard.may_be_emptied))
    return f"{_ONLY_ADD}, UPDATE ({columns})" if columns else _ONLY_ADD


def grant(role: str) -> int:
    """Give the role what the site needs, and no more; returns how many statements.

    Raises RoleRefused for a role that is missing, or that may do everything anyway.
    """
    _require_plain(role)
    given = statements(role)
    with transaction.atomic():
        for sql in given:
            execute(sql)
    return len(given)


def _require_plain(role: str) -> None:
    if not is_postgresql():
        raise RoleRefused("SQLite has no roles: they are for PostgreSQL.")
    rows = fetch(
        "SELECT rolsuper OR rolcreaterole, pg_has_role(rolname, relowner, 'USAGE')"
        " FROM pg_roles LEFT JOIN pg_class ON pg_class.oid = to_regclass(%s)"
        " WHERE rolname = %s",
        [TABLE, role],
    )
    if not rows:
        raise RoleRefused(
            f"There is no role {role!r}. Make it as the owner: "
            f"CREATE ROLE {role} LOGIN PASSWORD '…'"
        )
    if any(rows[0]):
        raise RoleRefused(
            f"The role {role!r} owns the tables or may do everything: nothing can be "
            "kept from it. Make another one."
        )


def is_owner() -> bool:
    """Whether this connection could take the guards away."""
    if not is_postgresql():
        return False
    rows = fetch(
        "SELECT pg_has_role(current_user, relowner, 'USAGE') FROM pg_class"
        " WHERE oid = to_regclass(%s)",
        [TABLE],
    )
    return bool(rows and rows[0][0])


def grant_after_migrate(**kwargs: object) -> None:
    """Listener of `post_migrate`: new tables are the site's too."""
    is_ours = kwargs.get("using", connection.alias) == connection.alias
    if is_ours and settings.SITE_ROLE:
        grant(settings.SITE_ROLE)
