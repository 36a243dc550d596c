"""A door for apps that add a rule of their own, by the path that we promised."""

from .rules import Rule, Situation, register, registered_rules

__all__ = ["Rule", "Situation", "register", "registered_rules"]
