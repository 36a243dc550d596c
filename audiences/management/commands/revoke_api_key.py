"""revoke_api_key NAME"""

from typing import Any

from audiences import api_keys
from audiences.terminal import CampaignCommand, CommandParser


class Command(CampaignCommand):
    help = "End a key of the API at once. Its name stays in the history."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")

    def run(self, **options: Any) -> None:
        key = api_keys.find(options["name"])
        if api_keys.revoke(key, actor="a command"):
            self.say(f"The key {key.name} is revoked.")
        else:
            self.say(f"The key {key.name} was revoked already.")
