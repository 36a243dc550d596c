"""The guard of the evidence: it goes with the person, or by age, and in no other way.

Whoever could empty it would leave events that prove nothing. The database lets go of a
row of evidence only where the person is erased, in the same transaction or before,
where a request ended that nobody confirmed, or where a removal is on record that a rule
of retention asked for (and the ledger seals); it never changes one. Each event says for
ever whether it was recorded with evidence, so a row that is missing can be told from
one that never was.
"""

from dataclasses import dataclass

from audiences.models import ConsentEvent, ConsentEvidence, LedgerRemoval, Profile

from . import guards

_EVENTS, _PROFILES = ConsentEvent._meta.db_table, Profile._meta.db_table
_REMOVALS = LedgerRemoval._meta.db_table
# OLD is the row of evidence. A request has ended when nothing was confirmed after it
# until it expired.
_PERSON_IS_THERE = (
    f"SELECT 1 FROM {_EVENTS} e JOIN {_PROFILES} p ON p.id = e.profile_id"
    " WHERE e.id = OLD.event_id AND NOT (e.kind = 'request' AND COALESCE((SELECT n.kind"
    f" FROM {_EVENTS} n WHERE n.profile_id = e.profile_id AND n.channel = ''"
    " AND n.service_id = e.service_id AND n.id > e.id AND n.kind <> 'request'"
    " ORDER BY n.id LIMIT 1), '') = 'expire')"
    f" AND NOT EXISTS (SELECT 1 FROM {_REMOVALS} r"
    " WHERE r.before > COALESCE(e.recorded_at, e.at))"
)


@dataclass(frozen=True)
class EvidenceGuard(guards.Guard):
    """Like the guard of the history, but an erasure and a rule may delete."""

    def is_possible(self, tables: list[str]) -> bool:
        return {self.table, _REMOVALS} <= {*tables}

    @property
    def pg_triggers(self) -> dict[str, tuple[str, int, str]]:
        refusal = f"RAISE EXCEPTION '{self.refusal}: % refused', TG_OP"
        refuse = f"{refusal} USING ERRCODE = 'restrict_violation';\nEND\n"
        return {
            self.pg_name: (
                "UPDATE OR TRUNCATE {} STATEMENT",
                2 + 16 + 32,
                f"\nBEGIN\n    {refuse}",
            ),
            f"{self.table}_with_person": (
                "DELETE {} ROW",
                1 + 2 + 8,
                f"\nBEGIN\n    IF NOT EXISTS ({_PERSON_IS_THERE})"
                f" THEN RETURN OLD; END IF;\n    {refuse}",
            ),
        }

    def sqlite_triggers(self) -> dict[str, str]:
        no_delete = f"{self.table}_no_delete"
        return super().sqlite_triggers() | {
            no_delete: f"""CREATE TRIGGER {no_delete}
BEFORE DELETE ON {self.table} WHEN EXISTS ({_PERSON_IS_THERE})
BEGIN SELECT RAISE(ABORT, '{self.refusal}: DELETE refused'); END"""
        }

    def sqlite_about_others(self) -> list[str]:
        return [f"{self.table}_no_delete"]

    def _same(self) -> str:
        return "event_id = NEW.event_id"


EVIDENCE = EvidenceGuard(ConsentEvidence, "Evidence goes only with its person")
guards.register(EVIDENCE)
