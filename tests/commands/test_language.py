"""Commands speak English: what scripts read does not depend on a language."""

from django.utils import translation

from audiences.models import Profile


def test_commands_speak_english_whatever_the_language_of_the_site(run):
    with translation.override("nl"):
        assert translation.gettext("Profile") == "Profiel"
        profile = Profile.objects.create(external_id="x1")
        refused = run("opt_in", f"id:{profile.pk}", "--channel=email", "--note=")
    assert (refused.code, refused.out) == (1, "")
    assert "An opt-in needs a note" in refused.err
