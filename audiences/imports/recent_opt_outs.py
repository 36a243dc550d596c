"""Opt-outs that no "no" of a file undoes: those that came after it, or are in it."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils.translation import gettext_noop as _

from audiences.channels import FLAGS, Scope
from audiences.consent import Kind
from audiences.files import Problem, Reject
from audiences.models import ConsentEvent
from audiences.refusals import Sentence
from audiences.sql.many import among

from .person_row import Row

if TYPE_CHECKING:
    from .matching import Person

STAYS = _("opted out since the file was uploaded, or in another row of it: stays so")


class RecentOptOuts:
    """Who stays opted out of what, while the rows of one chunk are played.

    `since` is when the file was there: it cannot know what people have said after that.
    `said` are profiles with what the file says of them, kept from chunk to chunk.
    """

    def __init__(
        self,
        since: datetime,
        profile_ids: Iterable[int],
        said: set[tuple[int, Scope]],
        rejects: list[Reject],
    ) -> None:
        self._said, self._rejects = said, rejects
        events = ConsentEvent.objects.filter(
            Q(at__gt=since) | Q(recorded_at__gt=since),
            among("profile_id", list(profile_ids)),
            kind=Kind.OPT_OUT,
        )
        found = events.order_by().values_list("profile_id", "channel").distinct()
        self._found = {(pk, Scope(channel)) for pk, channel in found}
        # Those whom the chunk makes have no number yet.
        self._new: set[tuple[object, Scope]] = set()

    def take(self, person: "Person", scope: Scope) -> None:
        """The file says that the person has opted out."""
        if pk := person.profile.id:
            self._said.add((pk, scope))
        else:
            self._new.add((person, scope))

    def may_opt_in(self, row: Row, person: "Person", scope: Scope) -> bool:
        """Whether the "no" of a row opts the person in; it is told when it does not."""
        known = person.profile.id, scope
        stays = known in self._found or known in self._said
        if stays or (person, scope) in self._new:
            problem = Problem(FLAGS[scope], Sentence(STAYS))
            self._rejects.append(Reject(row.line, problem, "imported"))
            return False
        return True
