"""What the other app may listen to, because `audiences` may not import it.

addresses_attached
    Sent inside the transaction that writes address rows.
    Arguments: `addresses`, a queryset that covers those rows (it may take in rows that
    others attach at the same moment; what a listener does must bear repeating).
    Listener: `delivery.quarantine` copies the status of the quarantine entries.

profile_erased
    Sent inside the transaction that erases a profile, before its rows go.
    Arguments: `profile_id`, and `addresses`, pairs of channel and key: its own, and
    former ones that nobody else has.
    Listener: `delivery` removes what it knows about the person.

address_stop_requested
    Sent inside the transaction in which somebody opts out on a page that also stops
    their addresses for other profiles (P4).
    Arguments: `channel`, `key`, `source` (a code of the consent history), `text` (which
    page).
    Listener: `delivery.quarantine` puts the address on the denylist.

address_stop_withdrawn
    Sent inside the transaction in which the same person takes that back.
    Arguments: `channel`, `key`, `source`, `text`.
    Listener: `delivery.quarantine` releases the address, if nothing else has happened
    to it since.

mail_to_be_sent
    Sent when the outbox is about to send a mail, inside the worker's transaction.
    Arguments: `channel`, `key`, `is_asked_for` (the owner of the address has just asked
    for it on a page). A listener that returns a code of `OutboxMail.Result` forbids it.
    Listener: `delivery.quarantine` forbids what its table forbids.

audience_to_be_changed
    Sent when the console is about to let an operator change an audience.
    Arguments: `audience`, `user`. A listener that returns a text forbids it, and says
    why.
    Listener: `delivery.approvals`, for audiences of deliveries that reach opted-out
    people.

audience_changed
    Sent inside the transaction in which an operator, or a program, has changed one.
    Arguments: `audience`, `user`.
    Listener: `delivery.approvals` records who wrote what these deliveries use.

addresses_failed
    Sent inside the transaction in which the file of another system says that addresses
    do not work.
    Arguments: `channel`, `keys` (a list), `source` (a code of the consent history),
    `text` (which system), `actor`.
    Listener: `delivery.quarantine` puts the addresses in quarantine.
"""

from django.dispatch import Signal

addresses_attached = Signal()
profile_erased = Signal()
address_stop_requested = Signal()
address_stop_withdrawn = Signal()
mail_to_be_sent = Signal()
audience_to_be_changed = Signal()
audience_changed = Signal()
addresses_failed = Signal()
