"""Why dumpdata and loaddata do not carry our tables.

A fixture is rows without the moment that they are of. The numbers of the transactions
that wrote them, which the ledger and the analysis go by, are given by the database when
a row is written; so a loaded history would contradict what was sealed. Nor does it hold
the guards, and tables whose key is of two columns have no fixture in Django.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

OURS = ("audiences", "delivery")
REMEDY = (
    "A fixture cannot carry {apps}: the database numbers the rows of the history as "
    "they are written, and the ledger is sealed over those numbers. Use manage.py "
    "backup, and restore_drill to prove it; people go out and in by export and "
    "import_profiles."
)


class OnlyOthers(BaseCommand):
    def handle(self, *labels: str, **options: Any) -> str | None:
        named = {label.partition(".")[0] for label in labels}
        excluded = {str(label) for label in options.get("exclude") or ()}
        asked = [app for app in OURS if app in named or (_is_all(labels, options))]
        if wanted := [app for app in asked if app not in excluded]:
            raise CommandError(REMEDY.format(apps=" and ".join(wanted)))
        return super().handle(*labels, **options)


def _is_all(labels: tuple[str, ...], options: dict[str, Any]) -> bool:
    """dumpdata without a label is everything; loaddata has files for labels."""
    return not labels and "use_natural_foreign_keys" in options
