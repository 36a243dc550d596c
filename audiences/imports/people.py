"""Import of profiles from a file: which rows are whom, and what they change.

A row with an external id is that person, and a new one when the id is new. A row
without one is the person whose primary email it gives. Blank cells leave what is there;
"no" never opts anybody in unless it is allowed with a note.
"""

import operator
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from audiences import addresses, consent, sql
from audiences.channels import Scope
from audiences.consent import Origin, Source
from audiences.files import BadCell, DelimitedFile, Reject
from audiences.models import Address, ImportRun, Profile

from .engine import Chunk, Importer, StateChange
from .matching import People, Person, Seen
from .people_rows import REMEDY, Row, read_header, read_row


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to read and import; `note` is needed when opting in is allowed.

    `mapping` gives our name for a column of the file; `remedy` says what to do about a
    column that is not known.
    """

    mapping: Mapping[str, str] = field(default_factory=dict)
    ignore_unknown: bool = False
    remedy: str = REMEDY
    allow_opt_in: bool = False
    note: str = ""
    actor: str = ""


@dataclass(slots=True)
class _FlagChange:
    line: int
    person: Person
    scope: Scope
    opted_out: bool
    turn: int


@dataclass
class _Plan:
    """What the rows of one chunk come down to, before anything is written."""

    created: list[Person] = field(default_factory=list)
    changed: dict[int, Profile] = field(default_factory=dict)
    touched: list[Person] = field(default_factory=list)
    flag_changes: list[_FlagChange] = field(default_factory=list)
    # For each line that means several people, these.
    ambiguous: dict[int, list[Person]] = field(default_factory=dict)
    updated: int = 0
    unchanged: int = 0
    kept_out: int = 0

    def draw_ids(self) -> None:
        """Give the new people their ids, in the order of their rows."""
        ids = sql.draw_ids(Profile, len(self.created))
        for person, pk in zip(self.created, ids, strict=True):
            person.profile.id = pk
            person.book.belong_to(pk)


class PeopleImporter(Importer[Row]):
    """Raises UnknownColumns, and ConsentError when opting in is allowed without a
    note."""

    counted = ("created", "updated", "unchanged", "rejected", "bad_values")
    changing = ("created", "updated")
    tables = (Profile, Address)
    lock = "import"

    def __init__(self, file: DelimitedFile, options: Options) -> None:
        if options.allow_opt_in and not options.note.strip():
            raise consent.ConsentError(
                _("Opting in needs a note that says how the people asked for it.")
            )
        self.options = options
        self.columns = read_header(
            file.header,
            options.mapping,
            ignore_unknown=options.ignore_unknown,
            remedy=options.remedy,
        )
        self.seen = Seen()

    @classmethod
    def of_run(cls, file: DelimitedFile, run: ImportRun) -> "PeopleImporter":
        how = Options(
            ignore_unknown=run.ignore_unknown,
            remedy=_("Rename it, or choose to leave out unknown columns."),
            allow_opt_in=run.allow_opt_in,
            note=run.note,
            actor=run.actor,
        )
        return cls(file, how)

    def close(self) -> None:
        self.seen.close()

    def read(self, line: int, cells: list[str]) -> Row:
        row = read_row(line, cells, self.columns)
        known = row.external_id or row.email_key
        # A rejected row counts as well: who it is has been said.
        earlier = self.seen.earlier_line(row) if known else None
        if row.rejection:
            raise row.rejection
        if earlier:
            name = "external_id" if row.external_id else "email"
            raise BadCell(name, f"the same as in row {earlier}")
        return row

    def write(self, rows: list[Row], chunk: Chunk) -> None:
        try:
            plan = self._write(rows)
        except IntegrityError:
            # Somebody made one of these profiles at the same moment: look again.
            plan = self._write(rows)
        for row in rows:
            if people := plan.ambiguous.get(row.line):
                listed = ", ".join(map(str, sorted(p.profile.pk for p in people)))
                bad = BadCell("email", f"several profiles have it: {listed}")
                chunk.reject(row.line, bad)
                continue
            for problem in row.problems:
                chunk.rejects.append(Reject(row.line, problem, "imported"))
        for change in plan.flag_changes:
            profile = change.person.profile
            chunk.state_changes.append(
                StateChange(
                    change.line,
                    profile.pk,
                    profile.external_id or "",
                    change.scope,
                    change.opted_out,
                )
            )
        chunk.kept_out = plan.kept_out
        chunk.counts["created"] = len(plan.created)
        chunk.counts["updated"] = plan.updated
        chunk.counts["unchanged"] = plan.unchanged

    def _write(self, rows: list[Row]) -> _Plan:
        with transaction.atomic():
            plan = self._plan(rows)
            plan.draw_ids()
            _write_profiles(plan)
            # Several rows may mean one person: each book is written once.
            addresses.save(p.book for p in dict.fromkeys(plan.touched))
            self._write_flags(plan.flag_changes)
        return plan

    def _plan(self, rows: list[Row]) -> _Plan:
        """Play the rows one by one on the people in memory."""
        people = People(rows)
        plan = _Plan()
        for row in rows:
            matching = people.meant_by(row)
            if len(matching) > 1:
                plan.ambiguous[row.line] = list(matching)
                continue
            is_new = not matching
            person = people.add(row.external_id) if is_new else matching[0]
            before = person.email_key
            changed = self._apply(row, person, plan)
            people.move(person, before)
            plan.touched.append(person)
            if is_new:
                plan.created.append(person)
            elif changed:
                plan.updated += 1
            else:
                plan.unchanged += 1
        return plan

    def _apply(self, row: Row, person: Person, plan: _Plan) -> bool:
        """Give the person what the row says; tells whether anything is different."""
        profile, changed = person.profile, False
        for name, value in row.fields.items():
            if getattr(profile, name) != value:
                setattr(profile, name, value)
                changed = True
        if changed and profile.pk:
            plan.changed[profile.pk] = profile
        given: set[tuple[str, str]] = set()
        for channel, number, address in row.addresses:
            # One address twice in a row: its first column decides.
            if (channel, address.key) not in given:
                changed |= person.book.give(channel, address, primary=number == 1)
                given.add((channel, address.key))
        for scope, opted_out in row.flags.items():
            allowed = opted_out or self.options.allow_opt_in
            if allowed and getattr(profile, scope.flag) != opted_out:
                setattr(profile, scope.flag, opted_out)
                turn = person.turns[scope] = person.turns.get(scope, 0) + 1
                plan.flag_changes.append(
                    _FlagChange(row.line, person, scope, opted_out, turn)
                )
                changed = True
            elif not allowed and getattr(profile, scope.flag):
                plan.kept_out += 1
        return changed

    def _write_flags(self, changes: list[_FlagChange]) -> None:
        alike: dict[tuple[int, Scope, bool], list[int]] = defaultdict(list)
        for change in changes:
            key = (change.turn, change.scope, change.opted_out)
            alike[key].append(change.person.profile.pk)
        origin = Origin(
            source=Source.IMPORT, note=self.options.note, actor=self.options.actor
        )
        for (_turn, scope, opted_out), ids in sorted(alike.items()):
            write = consent.opt_out_all if opted_out else consent.opt_in_all
            write(Profile.objects.filter(pk__in=ids), scope, origin)


_FIELDS = ["first_name", "last_name", "language", "country"]


def _write_profiles(plan: _Plan) -> None:
    columns = ["id", "external_id", *_FIELDS, "created_at"]
    values = operator.attrgetter(*columns)
    sql.bulk_insert(Profile, columns, (values(p.profile) for p in plan.created))
    sql.bulk_update(Profile, _FIELDS, list(plan.changed.values()))
