"""Import of profiles from a file: which rows are whom, and what they change.

A row with an external id is that person, and a new one when the id is new. A row
without one is the person who has its email address. Blank cells leave what is there;
"no" never opts anybody in unless it is allowed with a note. What restricts is done
wherever the person is certain, whatever else is wrong with the row.
"""

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _, gettext_noop

from audiences import addresses, consent
from audiences.channels import FLAGS, Channel, Scope
from audiences.consent import Origin, Source
from audiences.files import BadCell, Reject, TableFile, UnknownColumns
from audiences.files.cleaning import says_something
from audiences.models import Address, ImportRun, Profile
from audiences.signals import addresses_failed
from audiences.sql.many import among
from audiences.suppression.restriction import RESTRICTED

from .columns import Reading, read_columns
from .columns.layouts.layout import PASSED_OVER
from .columns.people import OTHER_NAMES, choices, guess, layout_for, own_meaning
from .engine import Chunk, Importer
from .matching import People, Person, Plan, named_by
from .people_options import Options
from .people_rows import RowReader, same
from .person_row import Row
from .recent_opt_outs import RecentOptOuts
from .seen import Seen


class PeopleImporter(Importer[Row]):
    """Raises UnknownColumns, and ConsentError when opting in is allowed without a
    note."""

    counted = ("created", "updated", "unchanged", "rejected", "bad_values")
    changing = ("created", "updated")
    tables = (Profile, Address)
    lock = "import"

    def __init__(self, file: TableFile, options: Options) -> None:
        if options.allow_opt_in and not says_something(options.note):
            raise consent.ConsentError(
                _("Opting in needs a note that says how the people asked for it.")
            )
        self.options = options
        self.layout = layout_for(file, options.reading)
        self.system = self.layout.name if self.layout else ""
        found = read_columns(
            file,
            own_meaning,
            options.reading,
            known=OTHER_NAMES,
            of_layout=self.layout.meanings_of if self.layout else None,
            nothing=PASSED_OVER,
        )
        self.columns = found.meanings
        self.passed_over = found.passed_over
        wanted = [
            (position, column)
            for position, columns in enumerate(found.meanings)
            for column in columns or ()
        ]
        if not wanted:
            raise UnknownColumns(_("No column of the file is known."))
        self._rows = RowReader(wanted)
        self._everybody = set(self.layout.everybody if self.layout else ())
        if options.all_opted_out:
            self._everybody.add(options.all_opted_out)
        self._all_failed = bool(self.layout and self.layout.all_failed)
        self._above: Row | None = None
        self.seen = Seen()
        self._said = set[tuple[int, Scope]]()

    @classmethod
    def of_run(cls, file: TableFile, run: ImportRun) -> "PeopleImporter":
        reading = Reading.of_details(
            run.details,
            ignore_unknown=run.ignore_unknown,
            remedy=_("Rename it, or choose to leave out unknown columns."),
        )
        everybody = run.details.get("all_opted_out", "")
        how = Options(
            reading=reading,
            allow_opt_in=run.allow_opt_in,
            all_opted_out=Scope(everybody) if everybody else None,
            update_only="update_only" in run.details,
            note=run.note,
            actor=run.actor,
            since=run.created_at,
        )
        return cls(file, how)

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        return choices()

    @classmethod
    def guess(
        cls, heading: str, values: list[str], file: TableFile
    ) -> tuple[str, list[str]]:
        return guess(heading, values, file)

    def read(self, line: int, cells: list[str]) -> Row:
        row = self._rows.read(line, cells)
        if self.layout and self.layout.has_lines:
            row.follow(self._above)
            self._above = None if row.nobody else row
        for scope in self._everybody:
            row.flags[scope] = True
        if self._all_failed:
            row.failed |= {Channel.EMAIL}
        if row.nobody:
            raise row.nobody
        if row.rejection and not row.restricts:
            raise row.rejection
        return row

    def pass_by(self, row: Row) -> None:
        if not row.rejection:
            self.seen.earlier_line(row)

    def write(self, rows: list[Row], chunk: Chunk) -> None:
        try:
            plan = self._write(rows, chunk)
        except IntegrityError:
            # Somebody made one of these profiles at the same moment: look again.
            chunk.turn.begin()
            plan = self._write(rows, chunk)
        chunk.rejects += plan.rejects
        chunk.state_changes += [change.told() for change in plan.flag_changes]
        chunk.kept_out = plan.kept_out
        chunk.counts.update(plan.counts)

    def names(self, rows: list[Row]) -> set[str]:
        return named_by(rows)

    def _write(self, rows: list[Row], chunk: Chunk) -> Plan:
        with transaction.atomic():
            plan = self._plan(rows)
            plan.draw_ids()
            chunk.turn.planned()
            plan.write_profiles()
            # Several rows may mean one person: each book is written once.
            addresses.save(p.book for p in dict.fromkeys(plan.touched))
            self._write_flags(plan)
            if plan.own or plan.failed:
                # Tags and quarantine are of others too: never ahead of one's turn.
                chunk.turn.wait()
            plan.write_own_facts()
            self._tell_failures(plan)
        return plan

    def _plan(self, rows: list[Row]) -> Plan:
        """Play the rows one by one on the people in memory."""
        people = People(rows)
        plan = Plan()
        if self.options.allow_opt_in:
            plan.recent = RecentOptOuts(
                self.options.since, people.known, self._said, plan.rejects
            )
        for row in rows:
            try:
                self._play(row, people, plan)
            except BadCell as bad:
                plan.rejects.append(Reject(row.line, bad.problem))
        return plan

    def _play(self, row: Row, people: People, plan: Plan) -> None:
        """Do what the row says. Raises BadCell."""
        person, is_new = self._person(row, people)
        if person.is_restricted:
            if not row.restricts:
                raise BadCell(row.who, RESTRICTED)
            row.rejection = row.rejection or BadCell(row.who, RESTRICTED)
        if is_new:
            plan.created.append(person)
        before = people.emails_of(person)
        if row.restricts_only:
            self._restrict(row, person, plan, is_new=is_new)
            is_touched = is_new
        else:
            changed = self._apply(row, person, plan)
            is_touched = is_new or changed
            outcome = "created" if is_new else "updated" if changed else "unchanged"
            plan.counts[outcome] += 1
            for problem in row.problems:
                plan.rejects.append(Reject(row.line, problem, "imported"))
        if people.finds_emails:
            people.move(person, before)
        if is_touched:
            plan.touched.append(person)
        for channel in row.failed:
            plan.fail(row, channel)

    def _person(self, row: Row, people: People) -> tuple[Person, bool]:
        """The one whom the row means, and whether they are new. Raises BadCell."""
        matching = people.meant_by(row)
        if len(matching) > 1:
            listed = ", ".join(str(p.profile.id or "new") for p in matching)
            reason = gettext_noop("several profiles have it: {profiles}")
            raise BadCell("email", reason, profiles=listed)
        if not matching and self.options.update_only:
            raise BadCell(row.who, gettext_noop("nobody is known by it"))
        # A rejected row has not said who somebody is: the next one is the first.
        if not row.rejection:
            row.repeats = self.seen.earlier_line(row)
        if row.repeats and not row.restricts:
            raise same(row)
        if matching:
            return matching[0], False
        return people.add(row.external_id), True

    def _restrict(self, row: Row, person: Person, plan: Plan, *, is_new: bool) -> None:
        """Take from the row who it is about, and what restricts; tell the rest."""
        self._set_flags(row, person, plan, only_out=True)
        for channel, primary, given in row.addresses if is_new else ():
            if channel == Channel.EMAIL and given.key in row.email_keys:
                person.book.give(channel, given, primary=primary)
        bad = row.rejection or same(row)
        plan.rejects.append(Reject(row.line, bad.problem, "restricted"))

    def _apply(self, row: Row, person: Person, plan: Plan) -> bool:
        """Give the person what the row says; tells whether anything is different."""
        profile, changed = person.profile, False
        for name, value in row.fields.items():
            if getattr(profile, name) != value:
                setattr(profile, name, value)
                changed = True
        if changed and profile.id:
            plan.changed[profile.id] = profile
        changed |= person.give(row)
        if row.own:
            changed |= plan.take_own_facts(person, row)
        if row.flags and self._set_flags(row, person, plan):
            changed = True
        return changed

    def _set_flags(
        self, row: Row, person: Person, plan: Plan, *, only_out: bool = False
    ) -> bool:
        profile, changed = person.profile, False
        for scope, opted_out in row.flags.items():
            if only_out and not opted_out:
                continue
            flag = FLAGS[scope]
            is_out, recent = getattr(profile, flag), plan.recent
            if opted_out and recent:
                recent.take(person, scope)
            allowed = opted_out or bool(
                is_out and recent and recent.may_opt_in(row, person, scope)
            )
            if allowed and is_out != opted_out:
                setattr(profile, flag, opted_out)
                plan.change_flag(row, person, scope, opted_out=opted_out)
                changed = True
            elif not allowed and is_out:
                plan.kept_out += 1
            elif opted_out:
                plan.said_again[scope].append(profile.id)
        return changed

    def _write_flags(self, plan: Plan) -> None:
        how = self.options
        origin = Origin(source=Source.IMPORT, note=how.note, actor=how.actor)
        consent.record_made(plan.flags_of_new(), origin)
        for (_turn, scope, opted_out), ids in sorted(plan.alike().items()):
            write = consent.opt_out_all if opted_out else consent.opt_in_all
            write(Profile.objects.filter(among("id", ids)), scope, origin)

    def _tell_failures(self, plan: Plan) -> None:
        for channel, keys in plan.failed.items():
            if keys:
                addresses_failed.send(
                    sender=Address,
                    channel=channel,
                    keys=list(keys),
                    source=Source.IMPORT,
                    text=self.system,
                    actor=self.options.actor,
                )
