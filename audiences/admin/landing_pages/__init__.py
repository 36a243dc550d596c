"""Landing pages in the console: their form, lives, previews and versions."""

from audiences.admin.landing_pages import pages, previews, publishing as lives, versions

__all__ = ["lives", "pages", "previews", "versions"]
