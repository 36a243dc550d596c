"""list_fields [--json]"""

from typing import Any

from audiences import fields
from audiences.terminal import CampaignCommand, add_json


class Command(CampaignCommand):
    help = "List the own fields of profiles, and what can be chosen in each."
    shared = (add_json,)

    def run(self, **options: Any) -> None:
        found = [
            {
                "field": field.slug,
                "label": field.label,
                "type": field.type,
                "choices": field.choices,
                "personal": field.is_personal,
                "editable": field.is_editable,
            }
            for field in fields.all_fields()
        ]
        if options["json"]:
            self.write_json({"fields": found})
            return
        if not found:
            self.say("There are no own fields: make one with create_field.")
            return
        self.write_table(
            ["field", "label", "type", "choices", "personal", "editable"],
            [[_plain(value) for value in row.values()] for row in found],
        )


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else str(value)
