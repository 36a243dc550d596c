"""What administrators keep: the organisation, own fields, operators, mails of our own."""

from . import operators, organisation, outbox, own_fields

__all__ = ["operators", "organisation", "outbox", "own_fields"]
