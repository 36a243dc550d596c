"""What administrators keep: the organisation, own fields, operators, our own mails."""

from . import operators, organisation, outbox, own_facts, own_fields

__all__ = ["operators", "organisation", "outbox", "own_facts", "own_fields"]
