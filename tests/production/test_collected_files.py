"""A page does not fail for a file that nobody has collected."""

from pathlib import Path

from django.test import override_settings

from campaign.serving.collected_files import CollectedFiles


def test_a_file_that_was_not_collected_keeps_its_name(tmp_path: Path) -> None:
    with override_settings(DEBUG=False, STATIC_ROOT=tmp_path):
        files = CollectedFiles(location=str(tmp_path), base_url="/static/")
        assert files.url("audiences/pages.css") == "/static/audiences/pages.css"
