"""Ending a person's limit or pause at their word to an operator, and taking that back.

To end a wish lets more messages come: it needs a note, as an opt-in does. Only who did
it takes it back, within a day, and only while nobody has wished anything of its kind
since. Restricted data is not touched.
"""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from audiences import consent, wishes
from audiences.consent import Origin, Source, locks
from audiences.models import ContactWish, Profile
from audiences.refusals import Refused
from audiences.sql.retries import retried
from audiences.suppression.restriction import require_free

from .undoing import UNDO_LIFE, NotUndone


class WishNotEnded(Refused):
    """The wish holds on, or has ended before; the message says why."""


@retried
def end(profile_id: int, wish_id: int, origin: Origin) -> ContactWish:
    """End a wish that holds; raises WishNotEnded and Restricted."""
    if consent.lacks_note(origin):
        raise WishNotEnded(
            _("Ending a wish needs a note that says how the person asked for it.")
        )
    with transaction.atomic():
        person = _locked(profile_id)
        if not wishes.end(person, [wish_id], origin):
            raise WishNotEnded(_("This wish has ended already."))
        return ContactWish.objects.get(pk=wish_id)


def can_undo(wish: ContactWish, actor: str) -> bool:
    """Whether this operator ended it, a moment ago, and nothing was wished since."""
    now = timezone.now()
    return bool(
        wish.ended_at
        and wish.ended_source == Source.OPERATOR
        and wish.ended_actor == actor
        and wish.ended_at > now - UNDO_LIFE
        and not (wish.paused_until and wish.paused_until <= now)
        and not _later(wish)
    )


@retried
def undo(profile_id: int, wish_id: int, *, actor: str) -> ContactWish:
    """Let hold again what this operator ended; returns the wish as it is written anew.

    Raises NotUndone and Restricted.
    """
    with transaction.atomic():
        person = _locked(profile_id)
        wish = wishes.wishes_of(person.pk).filter(pk=wish_id).first()
        if wish is None or not can_undo(wish, actor):
            raise NotUndone(
                _(
                    "This cannot be undone: only who did it can, within a day, and "
                    "only while nothing has happened since."
                )
            )
        origin = Origin(source=Source.OPERATOR, actor=actor)
        return wishes.express(
            person,
            wish.channel,
            origin,
            per_month=wish.per_month,
            paused_until=wish.paused_until,
        ).wish


def _locked(profile_id: int) -> Profile:
    person = locks.rows_to_lock().get(pk=profile_id)
    require_free(person.pk)
    return person


def _later(wish: ContactWish) -> bool:
    """Whether something of its kind was wished after it."""
    rows = wishes.wishes_of(wish.profile_id).filter(
        channel=wish.channel, per_month__isnull=wish.per_month is None
    )
    return rows.filter(pk__gt=wish.pk).exists()
