"""What the end of an analysis stages, in temporary tables of its connection."""

from django.db import models


class StagedHolder(models.Model):
    """An address that several profiles have; `id` is that of the address.

    They are looked for once, all of them, while the chunks are judged, and kept until
    the run has ended: they also tell which address somebody had a moment ago.
    """

    id = models.BigIntegerField(primary_key=True)
    profile_id = models.BigIntegerField()
    key = models.CharField(max_length=500)
    is_primary = models.BooleanField()

    class Meta:
        managed = False
        db_table = "staged_holder"

    def __str__(self) -> str:
        return f"{self.profile_id}: {self.key}"


class StagedKey(models.Model):
    """The key of an address that somebody has got, lost, or shares with one who did."""

    key = models.CharField(max_length=500, primary_key=True)

    class Meta:
        managed = False
        db_table = "staged_key"

    def __str__(self) -> str:
        return self.key


class StagedContender(models.Model):
    """A profile that no other rule excludes, with the address that it may share."""

    profile_id = models.BigIntegerField(primary_key=True)
    key = models.CharField(max_length=500)

    class Meta:
        managed = False
        db_table = "staged_contender"

    def __str__(self) -> str:
        return f"{self.profile_id}: {self.key}"
