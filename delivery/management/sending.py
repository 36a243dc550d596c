"""What the commands about sending print."""

from audiences.terminal import CampaignCommand
from delivery.models import Delivery
from delivery.sending.status import SendingStatus, as_json

__all__ = ["as_json", "say_status"]


def say_status(
    command: CampaignCommand, delivery: Delivery, found: SendingStatus
) -> None:
    """The status as a table."""
    command.say(f"{delivery.label} ({delivery.get_channel_display()}): {found.state}")
    if found.reason:
        command.say(found.reason)
    command.write_table(
        ["", "messages"],
        [
            ["To deliver", found.to_deliver],
            ["Not sent" if found.state == "cancelled" else "Waiting", found.waiting],
            ["Sent", found.sent],
            *(
                [f"Withdrawn: {code}", count]
                for code, count in sorted(found.withdrawn.items())
            ),
            ["Refused", found.refused],
            ["Uncertain", found.uncertain],
        ],
    )
    command.write_table(
        ["What came back", "messages"],
        [
            ["Delivered", found.delivered],
            ["Failed", found.failed],
            ["Complaints", found.complaints],
            ["Unsubscribed", found.unsubscribed],
        ],
    )
