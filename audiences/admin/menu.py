"""What `audiences` has in the console's menu."""

from django.utils.translation import gettext_lazy as _

from audiences import roles
from audiences.console import remedies
from audiences.console.guide import places
from audiences.console.navigation import Entry, Section, add, of_model
from audiences.console.remedies import Way

add(
    of_model(Section.PEOPLE, _("Profiles"), "audiences.profile", 10),
    of_model(Section.PEOPLE, _("Audiences"), "audiences.audience", 20),
    of_model(Section.PEOPLE, _("Consent history"), "audiences.consentevent", 30),
    Entry(
        Section.PEOPLE,
        _("Imports"),
        "admin:audiences_importrun_changelist",
        ("audiences.view_importrun", roles.IMPORT),
        40,
    ),
    Entry(
        Section.PEOPLE,
        _("Bulk changes"),
        "admin:audiences_bulkact_changelist",
        ("audiences.view_bulkact", roles.OPT_OUT, roles.OPT_IN),
        50,
    ),
    Entry(
        Section.PEOPLE,
        _("Activity"),
        "admin:audiences_profile_activity",
        ("audiences.view_profile", "admin.view_logentry"),
        90,
    ),
    of_model(Section.PEOPLE, _("Privacy requests"), "audiences.privacyrequest", 60),
    of_model(Section.PEOPLE, _("Erasures of many"), "audiences.erasurerun", 70),
    of_model(Section.PEOPLE, _("Retention"), "audiences.retentionrule", 80),
    of_model(Section.PEOPLE, _("Suppressed addresses"), "audiences.suppression", 65),
    of_model(Section.SERVICES, _("Services"), "audiences.service", 10),
    of_model(Section.SERVICES, _("Subscriptions"), "audiences.subscription", 20),
    of_model(Section.SERVICES, _("Landing pages"), "audiences.landingpage", 30),
    of_model(Section.SERVICES, _("Sign-up requests"), "audiences.signuprequest", 40),
    of_model(Section.SETTINGS, _("Organisation"), "audiences.organisation", 5),
    of_model(Section.PEOPLE, _("Tags"), "audiences.tag", 25),
    of_model(Section.SETTINGS, _("Own fields"), "audiences.ownfield", 6),
    of_model(Section.SETTINGS, _("API keys"), "audiences.apikey", 60),
    of_model(Section.SETTINGS, _("Endpoints"), "audiences.endpoint", 65),
    of_model(Section.SETTINGS, _("Users"), "auth.user", 80),
    of_model(Section.SETTINGS, _("Groups"), "auth.group", 90),
    of_model(Section.LOGS, _("Addresses"), "audiences.address", 10),
    of_model(Section.LOGS, _("Published versions"), "audiences.landingpageversion", 20),
    of_model(Section.LOGS, _("Ledger"), "audiences.ledgercheckpoint", 22),
    of_model(Section.LOGS, _("Outgoing mails"), "audiences.outboxmail", 25),
    of_model(Section.LOGS, _("Failed sign-ins"), "axes.accessattempt", 80),
    of_model(Section.LOGS, _("Sign-ins"), "axes.accesslog", 90),
)

remedies.ways.add("gateways", Way(_("How to set one"), "docs:transports#sms"))

remedies.add(
    audience=Way(
        _("Show that audience"), "audiences_audience_change", "audiences.view_audience"
    ),
    new_service=Way(
        _("Add a service"), "audiences_service_add", "audiences.add_service"
    ),
    service=Way(
        _("Show the service"), "audiences_service_change", "audiences.view_service"
    ),
    own_field=Way(
        _("Show that field"), "audiences_ownfield_change", "audiences.view_ownfield"
    ),
    person=Way(
        _("Show that person"), "audiences_profile_change", "audiences.view_profile"
    ),
    organisation=Way(
        _("Give it in Settings"),
        "audiences_organisation_changelist",
        "audiences.change_organisation",
    ),
)

places.add(
    index="admin#home",
    audiences_profile="admin#a-person",
    audiences_profile_changelist="admin#many-people-at-once",
    audiences_profile_proof="admin#proof-of-consent",
    audiences_address="import#how-addresses-are-compared",
    audiences_audience="conditions",
    audiences_consentevent="consent#the-history",
    audiences_importrun="import",
    audiences_bulkact="admin#many-people-at-once",
    audiences_privacyrequest="privacy#requests",
    audiences_erasurerun="privacy#erasure",
    audiences_retentionrule="privacy#retention",
    audiences_suppression="consent#suppressed-addresses",
    audiences_service="services#a-service",
    audiences_subscription="services#the-states",
    audiences_landingpage="building-pages",
    audiences_landingpage_publish="building-pages#the-life-of-a-page",
    audiences_signuprequest="unidentified-visitors",
    audiences_ledgercheckpoint="ledger#checkpoints",
    auth_="roles",
    axes_="admin#signing-in",
    your_sign_in="admin#signing-in",
    password_change="admin#signing-in",  # noqa: S106  (a name of a view)
)
