"""The exclusion log: choosing rows of it, and its pages.

Pages are cut by profile id, not counted: page one thousand of a log of millions takes
as long as the first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from audiences import profiles
from audiences.models import Profile
from audiences.selections import filters
from delivery.analysis import WARNINGS, Report, outcomes
from delivery.models import Delivery, Outcome

PAGE = 50
ALL, EXCLUDED, TO_DELIVER = "all", "excluded", "to_deliver"


@dataclass(frozen=True)
class Selection:
    """Which outcomes are shown: `show` is one of `choices`, `text` names profiles."""

    show: str
    text: str
    choices: list[tuple[str, str]]

    @classmethod
    def of(cls, query: Mapping[str, str], report: Report | None) -> "Selection":
        """What the address of the page asks for; anything unknown shows the log.

        Who looks for a person looks among all, unless the page says otherwise.
        """
        choices = [
            (EXCLUDED, _("Excluded")),
            (TO_DELIVER, _("To deliver")),
            (ALL, _("Everyone in the audience")),
        ]
        if report:
            choices += [
                (f"cause:{line.code}", report.in_words(line)) for line in report.causes
            ]
            choices += [
                (f"warning:{line.code}", _("Warning: ") + report.in_words(line))
                for line in report.warnings
                if line.code in WARNINGS
            ]
        text = query.get("q", "").replace("\0", "").strip()
        show = query.get("show", "")
        if show not in dict(choices):
            show = ALL if text else EXCLUDED
        return cls(show, text, choices)

    @property
    def label(self) -> str:
        return dict(self.choices)[self.show]

    def rows(self, delivery: Delivery) -> QuerySet[Outcome]:
        """The chosen outcomes, in the order of the profiles."""
        kind, _colon, code = self.show.partition(":")
        if kind == "warning":
            rows = outcomes.warned(delivery, code)
        elif kind == "cause":
            rows = outcomes.decided(delivery, excluded=True).filter(rule__code=code)
        elif kind == ALL:
            rows = Outcome.objects.filter(delivery=delivery).order_by("profile_id")
        else:
            rows = outcomes.decided(delivery, excluded=kind != TO_DELIVER)
        if self.text:
            people = Profile.objects.order_by().filter(filters.search(self.text))
            rows = rows.filter(profile_id__in=people.values("pk"))
        return rows

    def query(self, **more: object) -> str:
        """The address of this selection, or of one of its pages."""
        given = {"show": self.show, "q": self.text, **more}
        return urlencode({name: value for name, value in given.items() if value})

    @property
    def everywhere(self) -> str:
        """The address of the same search among everyone."""
        return urlencode({"show": ALL, "q": self.text})


@dataclass(frozen=True)
class LogPage:
    """Some outcomes in order, and the queries of the pages beside them, if any."""

    rows: list[Outcome]
    next: str
    previous: str


def page_of(
    delivery: Delivery, selection: Selection, query: Mapping[str, str]
) -> LogPage:
    """The page after, or before, a profile id; the first one when neither is given."""
    after, before = _number(query.get("after")), _number(query.get("before"))
    # The profile may have been erased: it is fetched apart, not joined.
    rows = selection.rows(delivery).select_related("rule").prefetch_related("profile")
    backwards = before is not None
    if backwards:
        rows = rows.filter(profile_id__lt=before).order_by("-profile_id")
    elif after is not None:
        rows = rows.filter(profile_id__gt=after)
    found = list(rows[: PAGE + 1])
    more, found = len(found) > PAGE, found[:PAGE]
    if backwards:
        found.reverse()
    if not found:
        return LogPage([], "", "")
    first, last = found[0].profile_id, found[-1].profile_id
    has_next = backwards or more
    has_previous = more if backwards else after is not None
    return LogPage(
        found,
        next=selection.query(after=last) if has_next else "",
        previous=selection.query(before=first) if has_previous else "",
    )


def _number(text: str | None) -> int | None:
    usable = text and text.isascii() and text.isdigit()
    return min(int(text), profiles.LARGEST_ID) if text and usable else None
