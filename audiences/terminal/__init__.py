"""How commands speak: arguments, output, progress, exit codes."""

from audiences.terminal.arguments import (
    add_channel,
    add_delivery,
    add_json,
    add_profile,
    add_scope,
    end_moment,
    moment,
    number,
    place_of_rejects,
)
from audiences.terminal.command import (
    CampaignCommand,
    CommandError,
    CommandParser,
    read_json,
    stop_on_interrupt,
)
from audiences.terminal.failures import of_database

__all__ = [
    "CampaignCommand",
    "CommandError",
    "CommandParser",
    "add_channel",
    "add_delivery",
    "add_json",
    "add_profile",
    "add_scope",
    "end_moment",
    "moment",
    "number",
    "of_database",
    "place_of_rejects",
    "read_json",
    "stop_on_interrupt",
]
