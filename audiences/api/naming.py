"""Whom the items of a call name: all of them found in a few statements."""

from collections.abc import Iterable

from audiences import profiles
from audiences.api.problems import Problem
from audiences.models import Profile


def one(text: str) -> Profile:
    """The profile that a text names; raises NotFound and Ambiguous (404, 409)."""
    return profiles.find(text)


def each(texts: Iterable[str]) -> dict[str, "int | Problem"]:
    """The id of the one profile that each text names, or why there is none."""
    found: dict[str, int | Problem] = {}
    for text, ids in profiles.find_ids(texts).items():
        if len(ids) == 1:
            found[text] = next(iter(ids))
        elif ids:
            listed = ", ".join(f"id:{pk}" for pk in sorted(ids)[:10])
            found[text] = Problem(
                409,
                f"It names several profiles: {listed}.",
                code="ambiguous",
                field="profile",
                remedy="Say which with id: or ext:.",
            )
        else:
            found[text] = Problem(
                404,
                "No profile has this id, external id or address.",
                code="not_found",
                field="profile",
            )
    return found


def item_problem(problem: Problem) -> dict[str, object]:
    """Why one item of many was not done."""
    field = problem.errors[0]["field"] if problem.errors else None
    return {"code": problem.code, "detail": problem.detail, "field": field}
