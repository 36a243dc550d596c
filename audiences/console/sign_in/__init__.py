"""Signing in to the console: who guesses is slowed, a second factor, one's sessions."""

from .second_factor import has_one, reset
from .sessions import State, end_all, state_of

__all__ = ["State", "end_all", "has_one", "reset", "state_of"]
