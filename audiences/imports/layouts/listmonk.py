"""listmonk: an export of subscribers.

"disabled" stops all campaigns, as "blocklisted" does. Source: listmonk documentation,
"Concepts: subscriber", and its export.
"""

from audiences.channels import Scope

from ..meanings import When
from .layout import FULL_NAME, Layout, address, marks, opted_out, table

_STATUS = When(
    frozenset(("blocklisted", "blacklisted", "disabled", "unsubscribed")),
    frozenset(("enabled", "confirmed", "unconfirmed")),
)

LAYOUTS = (
    Layout(
        name="listmonk",
        marks=marks("uuid", "email", "status"),
        columns=table(
            {
                "email": address("email"),
                "name": FULL_NAME,
                "status": opted_out(Scope.EMAIL, _STATUS),
                "subscription_status": opted_out(Scope.EMAIL, _STATUS),
            },
            (
                "id",
                "uuid",
                "attributes",
                "attribs",
                "lists",
                "created_at",
                "updated_at",
            ),
        ),
    ),
)
