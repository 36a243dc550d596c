"""Roles: the groups that the code makes, and what it gave them."""

from django.contrib.auth.models import Group
from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.Model):
    """A group that the code keeps in step (A3), under whatever name it has now.

    `granted` is what the code gave, so that a later version adds only what is new:
    what an operator took away or deleted stays so. Only `audiences.roles` writes it.
    """

    code = models.CharField(_("code"), max_length=30, unique=True)
    group = models.OneToOneField(
        Group, on_delete=models.SET_NULL, null=True, related_name="role"
    )
    granted = models.JSONField(_("granted"), default=list)

    class Meta:
        verbose_name = _("role")
        verbose_name_plural = _("roles")

    def __str__(self) -> str:
        return self.code
