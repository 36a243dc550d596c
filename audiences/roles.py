"""Who may do what (A3): six roles, as groups with permissions.

Each app grants the permissions on its own models; `docs/roles.md` is made from this. A
role is a starting point: operators may change a group, and the code never undoes that.
"""

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.db import models
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from .models import Role

OPT_OUT = "audiences.opt_out_profile"
OPT_IN = "audiences.opt_in_profile"
SEE_ADDRESSES = "audiences.see_addresses"
IMPORT = "audiences.import_profile"
EXPORT = "audiences.export_profile"
ERASE = "audiences.erase_profile"
ANSWER = "audiences.change_privacyrequest"
RETENTION = "audiences.change_retentionrule"
LIFT_SUPPRESSION = "audiences.lift_suppression"


class Code(models.TextChoices):
    """The roles; a label is the name of the group when it is made."""

    VIEWER = "viewer", _("Viewer")
    OPERATOR = "operator", _("Operator")
    PUBLISHER = "publisher", _("Publisher")
    DELIVERY_MANAGER = "delivery_manager", _("Delivery manager")
    PROTECTION_OFFICER = "protection_officer", _("Data protection officer")
    ADMINISTRATOR = "administrator", _("Administrator")


_grants: dict[Code, set[str]] = {code: set() for code in Code}


def grant(permissions: Iterable[str], *codes: Code) -> None:
    """Give permissions, as `app.codename`, to roles; the administrator has all."""
    for code in {*codes, Code.ADMINISTRATOR}:
        _grants[code].update(permissions)


def grant_to_all(*permissions: str) -> None:
    grant(permissions, *Code)


def granted() -> dict[Code, set[str]]:
    """What each role is given by the code."""
    return {code: set(names) for code, names in _grants.items()}


def of_models(app: str, verbs: str, models: str) -> list[str]:
    """Django's own permissions: each verb on each model, written as words."""
    return [f"{app}.{v}_{m}" for m in models.split() for v in verbs.split()]


def keep_in_step(**kwargs: Any) -> None:
    """Listener of `post_migrate`: make the groups, and give them new permissions."""
    try:
        kwargs.get("apps", apps).get_model("audiences", "Role")
    except LookupError:  # migrated back to before there were roles
        return
    for label in {name.partition(".")[0] for name in _grants[Code.ADMINISTRATOR]}:
        # Django makes them app by app, some only after this listener.
        create_permissions(apps.get_app_config(label), verbosity=0)
    for code, names in granted().items():
        role, is_new = Role.objects.get_or_create(code=code)
        if is_new:
            with translation.override(None):  # whatever `migrate` runs in
                role.group = Group.objects.get_or_create(name=str(code.label))[0]
        before = set(role.granted)
        if role.group:
            role.group.permissions.add(*_rows(names - before))
            role.group.permissions.remove(*_rows(before - names))
        if is_new or before != names:
            role.granted = sorted(names)
            role.save()


def _rows(names: set[str]) -> list[Permission]:
    of_apps: dict[str, list[str]] = {}
    for name in names:
        app, _dot, codename = name.partition(".")
        of_apps.setdefault(app, []).append(codename)
    about = Q(pk__in=[])
    for app, codenames in of_apps.items():
        about |= Q(content_type__app_label=app, codename__in=codenames)
    return list(Permission.objects.filter(about))


# ------------------------------------------------------------------ what is ours
grant_to_all(
    *of_models(
        "audiences",
        "view",
        "profile address consentevent service subscription audience landingpage "
        "landingpageversion outboxmail signuprequest ownfield tag",
    )
)
_SEERS = (Code.OPERATOR, Code.DELIVERY_MANAGER, Code.PROTECTION_OFFICER)
grant([SEE_ADDRESSES], *_SEERS)
grant(of_models("audiences", "add change", "profile subscription"), Code.OPERATOR)
grant([IMPORT], Code.OPERATOR)
grant(of_models("audiences", "change", "outboxmail"), Code.OPERATOR)
grant([OPT_IN], Code.OPERATOR)
grant([OPT_OUT], Code.OPERATOR, Code.PROTECTION_OFFICER)
grant(
    of_models("audiences", "add change delete", "landingpage")
    + of_models("audiences", "add change", "service")
    + ["audiences.publish_landingpage"],
    Code.PUBLISHER,
)
grant(of_models("audiences", "add change delete", "audience"), Code.DELIVERY_MANAGER)
grant(of_models("audiences", "add change", "tag"), Code.OPERATOR, Code.DELIVERY_MANAGER)
grant(of_models("audiences", "delete", "tag"), Code.DELIVERY_MANAGER)
grant([EXPORT], Code.DELIVERY_MANAGER, Code.PROTECTION_OFFICER)
grant(of_models("audiences", "view", "bulkact importrun"), Code.PROTECTION_OFFICER)
# Whoever makes an audience of a file sees what becomes of it.
grant(of_models("audiences", "view", "importrun"), Code.DELIVERY_MANAGER)
grant([ERASE, "audiences.view_consentevidence"], Code.PROTECTION_OFFICER)
grant(of_models("audiences", "view", "ledgercheckpoint"), Code.PROTECTION_OFFICER)
grant(["admin.view_logentry"], Code.PROTECTION_OFFICER)
grant(
    of_models("audiences", "view change", "privacyrequest retentionrule")
    + of_models("audiences", "view", "erasurerun")
    + ["audiences.view_suppression", LIFT_SUPPRESSION],
    Code.PROTECTION_OFFICER,
)
grant(
    of_models("auth", "add change delete view", "user group")
    + of_models("audiences", "delete", "service")
    + of_models("audiences", "change view", "organisation")
    + of_models("audiences", "add change delete", "ownfield")
    + of_models("audiences", "add change view", "apikey endpoint")
    + of_models("axes", "view", "accessattempt accesslog accessfailurelog")
    + of_models("axes", "delete", "accessattempt"),
)
