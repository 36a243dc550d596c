"""The scratch table of set-based writers."""

from django.db import models


class StagedProfile(models.Model):
    """Ids of the profiles that a set-based writer has locked and works on.

    A temporary table of the connection (`audiences.sql.stage_profiles` makes and
    fills it), so that several statements can speak of exactly the same profiles.
    """

    id = models.BigIntegerField(primary_key=True)

    class Meta:
        managed = False
        db_table = "staged_profile"

    def __str__(self) -> str:
        return str(self.id)
