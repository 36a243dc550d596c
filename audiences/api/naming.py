"""Whom the items of a call name: all of them found in a few statements."""

from collections.abc import Iterable

from audiences import profiles
from audiences.api.problems import Problem, of_refusal
from audiences.models import Profile
from audiences.profiles import Ambiguous
from audiences.refusals import Refused


def one(text: str) -> Profile:
    """The profile that a text names; raises NotFound (404) and Problem (409)."""
    try:
        return profiles.find(text)
    except Ambiguous as several:
        raise _several(row.pk for row in several.profiles) from several


def _several(ids: Iterable[int]) -> Problem:
    """Their ids alone: an external id may be an address, which not every key sees."""
    listed = ", ".join(f"id:{pk}" for pk in sorted(ids)[:10])
    return Problem(
        409,
        f"It names several profiles: {listed}.",
        code="ambiguous",
        field="profile",
        remedy="Say which with id: or ext:.",
    )


def each(texts: Iterable[str]) -> dict[str, "int | Problem"]:
    """The id of the one profile that each text names, or why there is none."""
    found: dict[str, int | Problem] = {}
    for text, ids in profiles.find_ids(texts).items():
        if len(ids) == 1:
            found[text] = next(iter(ids))
        elif ids:
            found[text] = _several(ids)
        else:
            found[text] = Problem(
                404,
                "No profile has this id, external id or address.",
                code="not_found",
                field="profile",
                remedy="Name the person as id:, ext: or addr:.",
            )
    return found


def failed(fault: Problem | Refused) -> dict[str, object]:
    """What became of one item of many that was not done."""
    problem = of_refusal(fault) if isinstance(fault, Refused) else fault
    return {"status": "failed", "error": item_problem(problem)}


def item_problem(problem: Problem) -> dict[str, object]:
    """Why one item of many was not done."""
    field = problem.errors[0]["field"] if problem.errors else None
    return {
        "code": problem.code,
        "detail": problem.detail,
        "field": field,
        "remedy": problem.remedy or None,
    }
