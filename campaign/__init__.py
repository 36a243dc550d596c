"""The project: settings, addresses, background work, system checks."""

# Before the import: the settings say it to everybody, and the worker reads them.
__version__ = "0.1.0"

from .celery import app as celery_app

__all__ = ["__version__", "celery_app"]
