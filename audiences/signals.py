"""What the other app may listen to, because `audiences` may not import it.

addresses_attached
    Sent inside the transaction that writes address rows.
    Arguments: `addresses`, a queryset that covers those rows (it may take in rows that
    others attach at the same moment; what a listener does must bear repeating).
    Listener: `delivery.quarantine` copies the status of the quarantine entries.

profile_erased
    Sent inside the transaction that erases a profile, before its rows go.
    Arguments: `profile_id`.
    Listener: `delivery` removes what it knows about the person.
"""

from django.dispatch import Signal

addresses_attached = Signal()
profile_erased = Signal()
