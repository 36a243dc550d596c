"""Tables of the documentation that the code decides.

`python -m tests.docs.tables` writes them into docs/. In most of them the last cell of a
row is written by people and is kept; a new row begins with an empty one, which a test
refuses.
"""

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_VERBS = ("view", "add", "change", "delete")
ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


@dataclass(frozen=True)
class Table:
    """A table between two marks in a file; `rows` gives what the code knows.

    With `explained` people write one more cell.
    """

    name: str
    file: Path
    header: tuple[str, ...]
    rows: Callable[[], list[tuple[str, ...]]]
    explained: bool = True

    def generated(self) -> str:
        """The table as it must be, with the people's cells that the file has now."""
        rows = self.rows()
        if self.explained:
            kept = {cells[0]: cells[-1] for cells in self.present()}
            rows = [(*cells, kept.get(cells[0], "")) for cells in rows]
        lines = [self.header, ("---",) * len(self.header), *rows]
        return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)

    def present(self) -> list[tuple[str, ...]]:
        """The rows that the file has now, below the header."""
        lines = self._split()[1].strip().splitlines()[2:]
        return [tuple(c.strip() for c in line.split("|")[1:-1]) for line in lines]

    def present_text(self) -> str:
        return self._split()[1].strip()

    def write(self) -> None:
        before, _old, after = self._split()
        text = f"{before}\n\n{self.generated()}\n\n{after}"
        self.file.write_text(text, encoding="utf-8")

    def _split(self) -> tuple[str, str, str]:
        begin, end = f"<!-- table: {self.name} -->", "<!-- end of table -->"
        before, _mark, rest = self.file.read_text(encoding="utf-8").partition(begin)
        table, found, after = rest.partition(end)
        if not found:
            raise AssertionError(f"{self.file} has no {begin} … {end}")
        return before + begin, table, end + after


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def columns() -> list[tuple[str, ...]]:
    from audiences.imports.columns.people import OTHER_NAMES

    return [
        (_code(own), ", ".join(map(_code, others)))
        for own, others in OTHER_NAMES.items()
    ]


def rules() -> list[tuple[str, ...]]:
    from delivery.models import Delivery
    from delivery.rules import registered_rules

    return [
        (
            _code(rule.code),
            str(rule.label),
            rule.about,
            *(
                "skipped" if purpose in rule.skipped_by else "judges"
                for purpose in Delivery.Purpose.values
            ),
        )
        for rule in registered_rules()
    ]


def checks() -> list[tuple[str, ...]]:
    from audiences.channels import Channel
    from delivery.rules.controls import CHECKS

    return [
        (
            _code(check.code),
            str(check.label),
            "all"
            if set(check.channels) == set(Channel.values)
            else ", ".join(map(_code, check.channels)),
            str(check.severity),
            "no" if check.is_native else "yes, with a note",
        )
        for check in CHECKS.values()
    ]


def nodes() -> list[tuple[str, ...]]:
    from audiences.conditions import nodes as all_nodes

    return [
        (
            _code(node.name),
            ", ".join(
                f"**{_code(key)}**" if key in node.required else _code(key)
                for key in node.schema
            ),
        )
        for node in all_nodes()
    ]


def bounce_reasons() -> list[tuple[str, ...]]:
    """What the mails of the tests call a reason, and what each came down to here."""
    from tests.feedback.corpus import measure

    found: dict[str, list[str]] = {}
    reasons = sorted(measure().reasons.items(), key=lambda item: (-item[1], item[0]))
    for (theirs, ours, error_type), count in reasons:
        found.setdefault(theirs, []).append(f"{_code(ours)} {error_type} ({count})")
    return [
        (_code(theirs) or "(none)", ", ".join(ours))
        for theirs, ours in sorted(found.items())
    ]


def statuses() -> list[tuple[str, ...]]:
    from delivery.feedback.mails.classification import PROVIDER_STATUSES, STATUSES

    known = [
        (_code(f"x.{detail}"), _code(reason), str(error_type.value), seen_at)
        for detail, (reason, error_type, seen_at) in STATUSES.items()
    ]
    own = [
        (_code(code), _code(reason), str(error_type.value), seen_at)
        for code, (reason, error_type, seen_at) in PROVIDER_STATUSES.items()
    ]
    return known + own


# Defaults that are computed: said in words.
_DEFAULTS = {
    "DEBUG": "1 for `manage.py` on your own machine, else 0",
    "SECOND_FACTOR": "`optional` while `DEBUG` is 1, `administrators` when it is 0",
    "DATABASE_URL": "an SQLite file in `var/`",
    "VAR_DIR": "`var/` in the project",
    "STATIC_ROOT": "`staticfiles/` in the project",
    "BACKUP_DIR": "`backups/` in `VAR_DIR`",
    "LOG_FORMAT": "`text` while `DEBUG` is 1, `json` when it is 0",
    "ALLOWED_HOSTS": "all hosts while `DEBUG` is 1, none when it is 0",
}


def role_permissions() -> list[tuple[str, ...]]:
    """What each role may do with each kind of thing, then what has no kind."""
    from django.apps import apps
    from django.utils.translation import override

    from audiences import roles

    granted = roles.granted()
    kinds: dict[str, list[tuple[str, ...]]] = {}
    with override("en"):
        for model in apps.get_models():
            app, meta = model._meta.app_label, model._meta
            plain = [f"{verb}_{meta.model_name}" for verb in _VERBS]
            cells = [
                " ".join(
                    verb
                    for verb, codename in zip(_VERBS, plain, strict=True)
                    if f"{app}.{codename}" in granted[code]
                )
                for code in roles.Code
            ]
            rows = kinds.setdefault(app, [])
            if any(cells):
                rows.append((str(meta.verbose_name_plural), *cells))
            for codename, label in meta.permissions:
                held = [
                    "yes" if f"{app}.{codename}" in granted[c] else ""
                    for c in roles.Code
                ]
                if any(held):
                    rows.append((f"*{label}* (`{app}.{codename}`)", *held))
    return [row for rows in kinds.values() for row in rows]


def environment() -> list[tuple[str, ...]]:
    """The variables that settings.py reads, in its order, with their defaults."""
    source = (ROOT / "campaign" / "settings.py").read_text(encoding="utf-8")
    readers = re.compile(r"env\.\w+|os\.environ\.get|_number|_decimal|_secrets")
    calls = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and readers.fullmatch(ast.unparse(node.func))
        and node.args
        and isinstance(node.args[0], ast.Constant)
    ]
    found: dict[str, str] = {}
    for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        name = ast.literal_eval(call.args[0])
        if name not in found:
            found[name] = _default(name, call)
    return [(_code(name), default) for name, default in found.items()]


def _default(name: str, call: ast.Call) -> str:
    if name in _DEFAULTS:
        return _DEFAULTS[name]
    if ast.unparse(call.func) == "_secrets":
        return ""
    given = [word.value for word in call.keywords if word.arg == "default"]
    for default in [*given, *call.args[1:]]:
        try:
            value = ast.literal_eval(default)
        except ValueError:
            return "computed"
        return _code(str(int(value) if isinstance(value, bool) else value))
    return "required"


def nights() -> list[tuple[str, ...]]:
    """Each page of docs/nights by its heading, and what wakes somebody to read it."""
    found = []
    for page in sorted((DOCS / "nights").glob("[!R]*.md")):
        text = page.read_text(encoding="utf-8")
        title = re.search(r"^# The night that (.+)$", text, re.M)
        wakes = re.search(r"^\*\*What woke you\.\*\* (.+)$", text, re.M)
        if not (title and wakes):
            raise AssertionError(f"{page} does not say what woke whom")
        found.append((f"[{title[1]}]({page.name})", wakes[1]))
    return found


TABLES = [
    Table(
        "columns",
        DOCS / "import.md",
        ("Column", "Also known as", "What goes in it"),
        columns,
    ),
    Table(
        "rules",
        DOCS / "rules.md",
        (
            "Code",
            "Label",
            "Excludes a profile that",
            "Marketing",
            "Transactional",
            "Legal",
        ),
        rules,
        explained=False,
    ),
    Table(
        "checks",
        DOCS / "rules.md",
        ("Check", "Label", "Channels", "Severity", "Can be switched off", "Fault"),
        checks,
    ),
    Table(
        "nodes",
        DOCS / "conditions.md",
        ("Node", "Keys (bold: needed)", "True for a profile that"),
        nodes,
    ),
    Table(
        "bounce reasons",
        DOCS / "bounces.md",
        ("Reason in the collection", "Ours, with type (mails)", "Why"),
        bounce_reasons,
    ),
    Table(
        "statuses",
        DOCS / "bounces.md",
        ("Status", "Reason", "Type", "Seen at"),
        statuses,
        explained=False,
    ),
    Table(
        "roles",
        DOCS / "roles.md",
        (
            *("Thing", "Viewer", "Operator", "Publisher", "Delivery manager"),
            *("Data protection officer", "Administrator"),
        ),
        role_permissions,
        explained=False,
    ),
    Table(
        "environment",
        DOCS / "settings.md",
        ("Variable", "Default", "Meaning"),
        environment,
    ),
    Table(
        "nights",
        DOCS / "nights" / "README.md",
        ("The night that", "What wakes you"),
        nights,
        explained=False,
    ),
]


if __name__ == "__main__":
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campaign.settings")
    django.setup()
    for table in TABLES:
        table.write()
        print(f"{table.file.relative_to(ROOT)}: {table.name}")
