"""Landing pages in the console: their form, lives, previews and versions."""

from audiences.admin.landing_pages import lives, pages, previews, versions

__all__ = ["lives", "pages", "previews", "versions"]
