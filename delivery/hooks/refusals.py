"""Why a call of a provider is not believed."""

from delivery.models import HookCount

Outcome = HookCount.Outcome


class HookRefused(Exception):
    """The call is not believed; it is only counted."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.label)
        self.outcome = outcome
