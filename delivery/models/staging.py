"""What an analysis stages for its end, in a temporary table."""

from django.db import models


class StagedHolder(models.Model):
    """A profile whose primary address other profiles have too: scratch of the analysis.

    A temporary table (`audiences.sql.stage`): the addresses that are shared are
    looked for once, and judged twice, for duplicates and for the warning.
    """

    profile_id = models.BigIntegerField(primary_key=True)
    key = models.CharField(max_length=500)

    class Meta:
        managed = False
        db_table = "staged_holder"

    def __str__(self) -> str:
        return f"{self.profile_id}: {self.key}"
