"""What the commands about sending print."""

from typing import Any

from audiences.terminal import CampaignCommand
from delivery.models import Delivery
from delivery.sending.status import SendingStatus


def as_json(delivery: Delivery, found: SendingStatus) -> dict[str, Any]:
    """The status as the contract has it."""
    withdrawn = [{"code": c, "count": n} for c, n in sorted(found.withdrawn.items())]
    return {
        "delivery": {
            "id": delivery.pk,
            "label": delivery.label,
            "channel": delivery.channel,
            "purpose": delivery.purpose,
        },
        "state": found.state,
        "to_deliver": found.to_deliver,
        "waiting": found.waiting,
        "sent": found.sent,
        "withdrawn": withdrawn,
        "refused": found.refused,
        "uncertain": found.uncertain,
        "delivered": found.delivered,
        "failed": found.failed,
        "complaints": found.complaints,
        "unsubscribed": found.unsubscribed,
        "reason": found.reason,
        "started_at": found.started_at and found.started_at.isoformat(),
        "finished_at": found.finished_at and found.finished_at.isoformat(),
    }


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
