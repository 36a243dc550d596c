"""The organisation in the console: one page, without a list, and how it looks."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt

from audiences import content_policy, landing_pages, organisation, outbox
from audiences.admin.landing_pages.forms import COLOURS, ColourInput, in_order
from audiences.console.pages import PlainAdmin, page
from audiences.landing_pages import logos
from audiences.models import LandingPage, LandingPageAsset, Organisation
from audiences.outbox import letters
from audiences.pages.previews import preview
from audiences.wording import page_texts
from audiences.wording.colours import LEAST_CONTRAST, contrast, text_on

SAMPLE_LINK = "https://example.org/p/preferences/sample/"


class OrganisationForm(forms.ModelForm[Any]):
    """What mails and pages say of who sends them, and how they look."""

    languages = forms.MultipleChoiceField(
        label=_("Languages"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_(
            "Of the pages that nobody made, such as those of the links in mails. None "
            "ticked: all."
        ),
    )
    logo_upload = forms.FileField(
        label=_("New logo"),
        required=False,
        help_text=_(
            "PNG, JPEG or WebP, at most 1 MB and 4,000 by 4,000 pixels. An SVG must "
            "be exported as PNG first."
        ),
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
    )
    remove_logo = forms.BooleanField(label=_("Show no logo"), required=False)

    class Meta:
        model = Organisation
        fields = ("name", "postal_address", "privacy_url", "contact", *COLOURS)
        widgets = {
            **dict.fromkeys(COLOURS, ColourInput),
            "postal_address": forms.Textarea(attrs={"rows": 4}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "languages" in self.fields:  # not for those who only read
            self.fields["languages"].choices = page_texts.languages()  # type: ignore[attr-defined]
            self.fields["languages"].initial = self.instance.languages
        for name in COLOURS:
            if name in self.fields:
                self.fields[name].required = False
        if not self.instance.logo_id and "remove_logo" in self.fields:
            self.fields["remove_logo"].widget = forms.HiddenInput()

    def clean_postal_address(self) -> str:
        """Browsers end lines in a way of their own."""
        text: str = self.cleaned_data["postal_address"]
        return text.replace("\r\n", "\n")

    @property
    def changed_data(self) -> list[str]:
        """What is really another value: the end of a line is none."""
        found = list(super().changed_data)
        given = str(self.data.get(self.add_prefix("postal_address"), ""))
        was = str(self.initial.get("postal_address") or "")
        if given.replace("\r\n", "\n").strip() == was.replace("\r\n", "\n").strip():
            found = [name for name in found if name != "postal_address"]
        return found

    def clean_languages(self) -> list[str]:
        return in_order(self.instance.languages, self.cleaned_data["languages"])

    def clean_logo_upload(self) -> LandingPageAsset | None:
        upload = self.cleaned_data["logo_upload"]
        if not upload:
            return None
        try:
            return logos.store_logo(upload.read(logos.LARGEST_BYTES + 1))
        except logos.InvalidLogo as error:
            remedy = gettext("Save it as a PNG of at most 800 pixels wide.")
            raise ValidationError(f"{error} {remedy}") from error

    def clean(self) -> None:
        super().clean()
        data = self.cleaned_data
        for name in COLOURS:
            data[name] = data.get(name) or getattr(self.initial_row(), name)
        button, text = data["brand_colour"], data["text_on_brand"]
        if not self.errors and contrast(button, text) < LEAST_CONTRAST:
            self.add_error("text_on_brand", organisation.too_faint(button, text))

    def initial_row(self) -> Organisation:
        """The row as it is; the form's own has what was typed already."""
        return organisation.organisation()


@admin.register(Organisation)
class OrganisationAdmin(PlainAdmin):
    """What mails and pages say of who sends them; administrators write it."""

    form = OrganisationForm
    change_form_template = "admin/audiences/organisation/change_form.html"
    readonly_fields = ("logo_now", "contrast_now")
    fieldsets = (
        (None, {"fields": ("name", "postal_address", "privacy_url", "contact")}),
        (
            _("Brand"),
            {
                "fields": (
                    *("logo_now", "logo_upload", "remove_logo"),
                    *(*COLOURS, "contrast_now", "languages"),
                ),
                "description": _(
                    "Of every page and mail. A page with colours or a logo of its own "
                    "keeps them."
                ),
            },
        ),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, str] | None = None
    ) -> HttpResponse:
        """There is one, so its page is the list."""
        return self.change_view(request, str(Organisation.THE_ONE))

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        """The row, or an empty one before anybody wrote it."""
        if object_id != str(Organisation.THE_ONE):
            return None
        return organisation.organisation()

    @admin.display(description=_("logo"))
    def logo_now(self, row: Organisation) -> str | SafeString:
        if not row.logo_id:
            return gettext("None: pages show the name.")
        return format_html(
            '<img class="logo-now" src="{}" alt="{}">',
            reverse("pages:logo", args=[row.logo_id]),
            gettext("The logo"),
        )

    @admin.display(description=_("contrast of the button"))
    def contrast_now(self, row: Organisation) -> str:
        return gettext(
            "{found} (at least {least}; {best} is read best on this colour)"
        ).format(
            found=f"{contrast(row.brand_colour, row.text_on_brand):.1f}",
            least=LEAST_CONTRAST,
            best=text_on(row.brand_colour),
        )

    def save_model(
        self, request: HttpRequest, obj: Organisation, form: Any, change: bool
    ) -> None:
        given = form.cleaned_data
        names = ("name", "postal_address", "privacy_url", "contact", *COLOURS)
        facts = {name: given[name] for name in (*names, "languages")}
        if given.get("remove_logo"):
            facts["logo"] = None
        elif given.get("logo_upload"):
            facts["logo"] = given["logo_upload"]
        organisation.change(**facts)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        messages.success(request, gettext("“{name}” was saved.").format(name=obj))
        return self.go_back(obj)


def _framed(response: HttpResponse) -> HttpResponse:
    """For a frame of the console; nothing else may show it."""
    response["X-Frame-Options"] = "SAMEORIGIN"
    policy = response["Content-Security-Policy"]
    response["Content-Security-Policy"] = policy.replace(
        "frame-ancestors 'none'", "frame-ancestors 'self'"
    )
    return response


@page(Organisation, "shown", "view", route="shown/")
@csrf_exempt
def shown(admin: PlainAdmin, request: HttpRequest) -> HttpResponse:
    """The page of an unsubscribe link, as it looks now; nothing in it changes."""
    content = landing_pages.built_in_content(LandingPage.Kind.UNSUBSCRIPTION)
    return _framed(preview(request, content))


@page(Organisation, "mail", "view", route="mail/")
def mail(admin: PlainAdmin, request: HttpRequest) -> HttpResponse:
    """A mail of our own, as it looks now."""
    code = outbox.closest_language(request.GET.get("lang", ""))
    said = outbox.words(code, "mails.link", urls=f"<{SAMPLE_LINK}>", days=30)
    response = HttpResponse(letters.as_html(said, organisation.organisation()))
    response["Content-Security-Policy"] = content_policy.of_mail()
    return _framed(response)
