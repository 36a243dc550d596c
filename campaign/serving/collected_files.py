"""Style and scripts of production: compressed, with names that never go stale."""

from whitenoise.storage import CompressedManifestStaticFilesStorage  # type: ignore[import-untyped]


class CollectedFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """A file that nobody has collected keeps its plain name.

    A page without its style says what it says; one that fails for want of it would
    leave somebody who opts out without an answer.
    """

    def stored_name(self, name: str) -> str:
        try:
            found: str = super().stored_name(name)
        except ValueError:
            return name
        return found
