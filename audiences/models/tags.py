"""Tags: words that operators put on people and audiences, to find them again."""

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from .audiences import Audience
from .profiles import Profile

LONGEST_TAG = 60


class Tag(models.Model):
    """A word; letter case makes no other one. `audiences.tags` makes it."""

    name = models.CharField(_("name"), max_length=LONGEST_TAG)
    slug = models.CharField(
        _("slug"),
        max_length=LONGEST_TAG,
        unique=True,
        editable=False,
        help_text=_("Its name in conditions; it stays when the tag is renamed."),
    )
    audiences = models.ManyToManyField(
        Audience, verbose_name=_("audiences"), related_name="tags", blank=True
    )

    class Meta:
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                name="tag_once",
                violation_error_message=_("There is a tag of this name already."),
            )
        ]

    def __str__(self) -> str:
        return self.name


class ProfileTag(models.Model):
    """A tag on a profile."""

    pk = models.CompositePrimaryKey("tag_id", "profile_id")
    tag = models.ForeignKey(
        Tag, on_delete=models.CASCADE, related_name="people", db_index=False
    )
    profile = models.ForeignKey(
        Profile, on_delete=models.CASCADE, related_name="profile_tags", db_index=True
    )

    class Meta:
        verbose_name = _("tag of a profile")
        verbose_name_plural = _("tags of profiles")

    def __str__(self) -> str:
        return f"{self.tag_id}: {self.profile_id}"
