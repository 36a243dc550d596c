"""access_profile PROFILE --to FILE.zip"""

import os
import tempfile
from pathlib import Path
from typing import Any

from audiences import privacy, profiles
from audiences.refusals import Refused
from audiences.terminal import CampaignCommand, CommandParser, add_profile


class Command(CampaignCommand):
    help = (
        "Write everything that is known about one person into a zip: a page to read, "
        "in the person's language, and the same as JSON. The file is written whole or "
        "not at all, and only you may read it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_profile(parser)
        parser.add_argument(
            "--to",
            type=Path,
            required=True,
            metavar="FILE.zip",
            help="The file to write; one that is there is replaced.",
        )

    def run(self, **options: Any) -> None:
        profile, path = profiles.find(options["profile"]), options["to"]
        content = privacy.zip_of(profile)
        try:
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            try:
                with os.fdopen(handle, "wb") as target:
                    target.write(content)
                Path(name).replace(path)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise Refused(
                f"--to: {path} cannot be written: {error.strerror}."
            ) from error
        self.say(f"{path}: {len(content):,} bytes about profile {profile.pk}.")
