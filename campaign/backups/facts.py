"""What is in a database, to compare a restored one with: counts, the newest opt-out."""

from typing import Any

from django.db import connection

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


KINDS = (
    *(Profile, Address, Subscription, ConsentEvent, Suppression, LedgerLeaf),
    *(Message, QuarantineEntry, AddressError),
)


def facts() -> dict[str, Any]:
    """Counts, and the newest opt-out; of tables that are not there only their names."""
    there = set(connection.introspection.table_names())
    missing = sorted(k._meta.db_table for k in KINDS if k._meta.db_table not in there)
    if missing:
        return {"missing": missing, "counts": {}, "newest_opt_out": None}
    left = ConsentEvent.objects.filter(kind__in=("opt_out", "unsubscribe"))
    newest = left.order_by("-pk").values_list("recorded_at", "at").first()
    moment = next((at for at in newest or () if at), None)
    return {
        "counts": {
            kind._meta.model_name: kind._default_manager.count() for kind in KINDS
        },
        "newest_opt_out": moment.isoformat() if moment else None,
    }
