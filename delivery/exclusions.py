"""A door for apps that add a rule of their own, by the path that we promised."""

from delivery.rules.native import Rule, Situation, register, registered_rules

__all__ = ["Rule", "Situation", "register", "registered_rules"]
