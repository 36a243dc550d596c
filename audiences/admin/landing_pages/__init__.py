"""Landing pages in the console: their form, lives, previews and versions."""

from audiences.admin.landing_pages import pages, previews, publishing as lives

__all__ = ["lives", "pages", "previews"]
