"""condition_schema"""

import json
from typing import Any

from audiences import conditions
from audiences.terminal import CampaignCommand


class Command(CampaignCommand):
    help = "Print the JSON schema of condition trees: their nodes, operators, version."

    def run(self, **options: Any) -> None:
        self.say(json.dumps(conditions.json_schema(), indent=2))
