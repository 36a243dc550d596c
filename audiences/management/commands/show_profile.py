"""show_profile PROFILE [--json]"""

import re
from datetime import datetime
from typing import Any

from django.utils import timezone

from audiences import profiles
from audiences.records.profiles import describe
from audiences.terminal import CampaignCommand, add_json, add_profile

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-][\d:]+)")


class Command(CampaignCommand):
    help = (
        "Show all that is known about a profile: flags, addresses with their "
        "quarantine status, other profiles with the same address, own fields, tags, "
        "subscriptions, wishes, sign-up requests that wait to be confirmed, history."
    )
    shared = (add_profile, add_json)

    def run(self, **options: Any) -> None:
        profile = profiles.find(options["profile"])
        known = describe(profile)
        if options["json"]:
            self.write_json(known)
            return
        names = ("external_id", "first_name", "last_name", "language", "country")
        facts = [("id", str(known["id"])), *((n, known[n]) for n in names)]
        self.write_table(["Profile", ""], facts)
        flags = [(name, "yes" if on else "no") for name, on in known["flags"].items()]
        self.write_table(["No longer contact", ""], flags)
        self._write("addresses", known, "There are no addresses.")
        self._write("shared_with", known, "No other profile has one of its addresses.")
        self._write("own_fields", known, "Nothing is known there.")
        self.say(f"Tags: {'; '.join(known['tags']) or 'none.'}")
        self._write("subscriptions", known, "There are no subscriptions.")
        self._write("wishes", known, "They have asked for no limit and no pause.")
        self._write("signup_requests", known, "None waits to be confirmed.")
        self._write("history", known, "Nothing has changed yet.")

    def _write(self, part: str, known: dict[str, Any], empty: str) -> None:
        rows: list[dict[str, Any]] = known[part]
        title = part.replace("_", " ").capitalize()
        if not rows:
            self.say(f"{title}: {empty}")
            return
        hidden = {"key", "wording_version", "delivery"}
        columns = [name for name in rows[0] if name not in hidden]
        self.write_table(
            [name.replace("_", " ") for name in columns],
            [[_plain(row[name]) for name in columns] for row in rows],
            title=title,
        )


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        # --json has the fractions of the second.
        moment = timezone.localtime(datetime.fromisoformat(value))
        return f"{moment:%Y-%m-%d %H:%M:%S %Z}"
    return "" if value is None else str(value)
