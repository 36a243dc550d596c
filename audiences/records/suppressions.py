"""Whether addresses say of themselves what the list of suppressed addresses says."""

from collections.abc import Iterator

from audiences import suppression
from audiences.models import Address


def suppression_differences() -> Iterator[str]:
    """Keys that are lost, and copies that say something else than the list.

    Without anything on the list only the marked addresses are looked at.
    """
    lost = suppression.lost()
    for name in sorted(lost):
        yield (
            f"addresses are suppressed under the key {name}, "
            "which SUPPRESSION_KEYS does not have"
        )
    marked = Address.objects.filter(is_suppressed=True)
    if lost or not (suppression.active().exists() or marked.exists()):
        return
    for names in suppression.different():
        for channel, key in names:
            is_met = bool(suppression.met([(channel, key)]))
            yield (
                f"an address of {channel} is {'' if is_met else 'not '}suppressed, but "
                f"says otherwise (of profiles {_holders(channel, key)})"
            )


def _holders(channel: str, key: str) -> str:
    rows = Address.objects.filter(channel=channel, key=key).order_by("profile_id")
    return ", ".join(map(str, rows.values_list("profile_id", flat=True)[:5]))
