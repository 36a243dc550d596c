"""dumpdata, for the tables of other apps alone."""

from django.core.management.commands import dumpdata

from campaign.management.fixtures import OnlyOthers


class Command(OnlyOthers, dumpdata.Command):
    """Django's own, which refuses what it cannot carry."""
