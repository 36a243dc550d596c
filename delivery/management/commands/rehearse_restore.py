"""rehearse_restore"""

import tempfile
from pathlib import Path
from typing import Any

from audiences.terminal import CampaignCommand, CommandError
from delivery.management import rehearsal
from delivery.management.rehearsal import LEAVING
from delivery.management.scratch import Scratch, scratch


class Command(CampaignCommand):
    help = (
        "Rehearse a restore on scratch databases: a backup is made, people leave, the "
        "backup is restored, and what restricts is replayed. Exit code 0 when nobody "
        "who left is reached. The database of the site is not touched."
    )
    needs_migrated_database = False

    def run(self, **options: Any) -> None:
        with tempfile.TemporaryDirectory(prefix="campaign-rehearsal-") as name:
            folder = Path(name)
            database = scratch(folder)
            try:
                self._rehearse(database, folder)
            finally:
                database.remove()

    def _rehearse(self, database: Scratch, folder: Path) -> None:
        rehearsal.write_people(folder)
        at_first = rehearsal.play("prepare", database.url, folder)["reached"]
        database.back_up()
        self.say(f"{len(at_first)} people can be reached. Backup made: {database.how}.")
        left = rehearsal.play("leave", database.url, folder)["reached"]
        for how in LEAVING.values():
            self.say(f"Then some {how}.")
        database.restore()
        found = rehearsal.play("come back", database.url, folder)
        back = sorted({*found["without"]} & {*LEAVING})
        self.say(
            f"The backup is restored; without a replay it reaches {len(back)} again."
        )
        if found["reached"] != left:
            wrong = sorted({*found["reached"]} ^ {*left})
            raise CommandError(f"Not as before the loss: {', '.join(wrong)}.")
        self.say(
            "Restrictions replayed, and the same people imported again: nobody who "
            f"left is reached, and the other {len(left)} are."
        )
