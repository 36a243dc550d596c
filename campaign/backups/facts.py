"""What is in a database, to compare a restored one with: counts, the newest opt-out."""

from typing import Any

from audiences.models import (
    Address,
    ConsentEvent,
    LedgerLeaf,
    Profile,
    Subscription,
    Suppression,
)
from delivery.models import AddressError, Message, QuarantineEntry

# What a process of its own runs, to count in another database.
PROGRAM = """import json, os, sys, django
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campaign.settings")
django.setup()
from campaign.backups.facts import facts
sys.stdout.write(json.dumps(facts()))
"""


def facts() -> dict[str, Any]:
    kinds = (
        *(Profile, Address, Subscription, ConsentEvent, Suppression, LedgerLeaf),
        *(Message, QuarantineEntry, AddressError),
    )
    left = ConsentEvent.objects.filter(kind__in=("opt_out", "unsubscribe"))
    newest = left.order_by("-pk").values_list("recorded_at", "at").first()
    moment = next((at for at in newest or () if at), None)
    return {
        "counts": {
            kind._meta.model_name: kind._default_manager.count() for kind in kinds
        },
        "newest_opt_out": moment.isoformat() if moment else None,
    }
