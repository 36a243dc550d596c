"""explain_exclusion DELIVERY PROFILE [--json]"""

from typing import Any

from audiences import profiles
from audiences.terminal import CampaignCommand, add_delivery, add_json, add_profile
from delivery import analysis, deliveries


class Command(CampaignCommand):
    help = (
        "Say whether a profile would get a delivery now: the rule that decides, and "
        "every rule that matches."
    )
    shared = (add_delivery, add_profile, add_json)

    def run(self, **options: Any) -> None:
        delivery = deliveries.find(options["delivery"])
        profile = profiles.find(options["profile"])
        found = analysis.explain(delivery, profile)
        if options["json"]:
            self.write_json(
                {
                    "profile": profile.pk,
                    "address": found.address,
                    "in_audience": found.in_audience,
                    "deciding": found.deciding.code if found.deciding else None,
                    "matching": [rule.code for rule in found.matching],
                }
            )
            return
        who = f"Profile {profile.pk} ({found.address or 'no address'})"
        if not found.in_audience:
            self.say(f"{who} is not in the audience of {delivery.label}.")
        elif found.deciding is None:
            self.say(f"{who} gets {delivery.label}: no rule excludes it.")
        else:
            self.say(f"{who} does not get {delivery.label}: {found.deciding.label}.")
            for rule in found.matching[1:]:
                self.say(f"Also: {rule.label}.")
