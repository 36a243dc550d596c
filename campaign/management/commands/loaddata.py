"""loaddata, for the tables of other apps alone."""

from django.core.management.commands import loaddata

from campaign.management.fixtures import OnlyOthers


class Command(OnlyOthers, loaddata.Command):
    """Django's own, which refuses what it cannot carry."""
