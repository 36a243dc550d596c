"""Import of a list of people: whoever the rows name is put into one audience.

A row names a person as everywhere: by id, external id, profile or email. Nobody is made
and nothing of a person changes.
"""

from dataclasses import dataclass

from django.utils.translation import gettext, gettext_lazy, gettext_noop as _

from audiences import membership, profiles, roles
from audiences.files import BadCell, TableFile, UnknownColumns, named_cells, names_of
from audiences.imports.columns import Reading, read_columns
from audiences.imports.engine import Chunk, Importer
from audiences.imports.kinds import Kind, kinds
from audiences.imports.subscription_rows import OTHER_NAMES, WHO, column_of_who, naming
from audiences.models import AudienceMember, ImportRun

COLUMNS = {name: OTHER_NAMES[name] for name in WHO}
name_of = names_of(COLUMNS)
AT_ONCE = 100_000


@dataclass(frozen=True, slots=True)
class Row:
    """Whom a line names, as commands name a PROFILE."""

    line: int
    who: str


class ListImporter(Importer[Row]):
    """Raises UnknownColumns; Refused when the audience is no list."""

    counted = ("added", "unchanged", "rejected")
    changing = ("added",)
    tables = (AudienceMember,)

    def __init__(self, file: TableFile, name: str, reading: Reading) -> None:
        self.name = check_name(name)
        found = read_columns(file, name_of, reading, known=COLUMNS, passes_over=True)
        self.columns, self.passed_over = found.meanings, found.passed_over
        if not set(self.columns) & set(WHO):
            text = gettext("No column says who: one of {names} is needed.")
            raise UnknownColumns(text.format(names=", ".join(WHO)))
        self._who = naming(self.columns)

    @classmethod
    def of_run(cls, file: TableFile, run: ImportRun) -> "ListImporter":
        return cls(file, run.details["audience"], Reading.of_details(run.details))

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        return [(name, name) for name in COLUMNS]

    @classmethod
    def guess(
        cls, heading: str, values: list[str], file: TableFile
    ) -> tuple[str, list[str]]:
        return name_of(heading) or "", []

    def read(self, line: int, cells: list[str]) -> Row:
        given = named_cells(self.columns, cells)
        name = column_of_who(given)
        return Row(line, self._who(name, given[name]))

    def write(self, rows: list[Row], chunk: Chunk) -> None:
        found = profiles.find_ids({row.who for row in rows})
        wanted: list[int] = []
        for row in rows:
            people = found[row.who]
            if len(people) == 1:
                wanted.append(next(iter(people)))
            elif people:
                listed = ", ".join(map(str, sorted(people)))
                reason = _("it names several profiles: {profiles}")
                chunk.reject(row.line, BadCell("profile", reason, profiles=listed))
            else:
                bad = BadCell("profile", _("no profile is named so"))
                chunk.reject(row.line, bad)
        added = membership.add_to_list(self.name, wanted)
        chunk.counts["added"] += added
        chunk.counts["unchanged"] += len(wanted) - added


def check_name(name: str) -> str:
    """The name of a list that there is, or that there may be; raises Refused."""
    return membership.check_list(" ".join(name.split()))


kinds.add(
    "list",
    Kind(
        label=gettext_lazy("A list of people, as an audience"),
        importer=ListImporter,
        permissions=("audiences.add_audience", roles.SEE_ADDRESSES),
        scope="audiences:write",
        options=("audience",),
        needs=("audience",),
        at_once=AT_ONCE,
    ),
)
