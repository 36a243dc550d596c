"""Every setting of Campaign, from environment variables with safe local defaults.

The whole table, with what each variable means, is in docs/operations.md.
"""

import os
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"
VAR_DIR.mkdir(exist_ok=True)

env = environ.Env()


def _number(name: str, default: int) -> int:
    """A whole number from the environment; a refusal names the variable."""
    text = env.str(name, default=str(default))
    try:
        return int(text)
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{name} is {text!r}, not a whole number."
        ) from error


# ------------------------------------------------------------------ the basics
DEBUG = env.bool("DEBUG", default=True)
LOCAL_KEY = "insecure-local-key-that-production-refuses"
# Read as it is: environ takes a value that begins with $ for another variable's name.
SECRET_KEY = os.environ.get("SECRET_KEY", "") or LOCAL_KEY
if SECRET_KEY == LOCAL_KEY and not DEBUG:
    raise ImproperlyConfigured(
        "DEBUG is 0 and SECRET_KEY is not set. Set SECRET_KEY to a long random "
        "text (python -c 'import secrets; print(secrets.token_urlsafe(50))') and "
        "keep it: signed links depend on it."
    )
ALLOWED_HOSTS = [
    host.strip()
    for host in env.list("ALLOWED_HOSTS", default=["*"] if DEBUG else [])
    if host.strip()
]
BASE_URL = env.str("BASE_URL", default="http://127.0.0.1:8000").rstrip("/")

INSTALLED_APPS = [
    "campaign.apps.CampaignConfig",
    "audiences.apps.AudiencesConfig",
    "delivery.apps.DeliveryConfig",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "campaign.urls"
WSGI_APPLICATION = "campaign.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# ------------------------------------------------------------------ the database
DATABASES = {
    "default": env.db(
        "DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'campaign.sqlite3'}"
    )
}
if not DATABASES["default"].get("ENGINE"):
    raise ImproperlyConfigured(
        "DATABASE_URL is not an address of a database, such as "
        "postgres://user:password@host/name or sqlite:////absolute/path."
    )
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # IMMEDIATE: a writer takes the lock when its transaction begins, so that what it
    # reads is still true when it writes. FULL: a committed opt-out survives a crash.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

# ------------------------------------------------------------------ people and places
USE_TZ = True
USE_I18N = True
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
LANGUAGE_CODE = env.str("LANGUAGE_CODE", default="en")
LANGUAGES = [("en", "English"), ("nl", "Nederlands")]
# The region of numbers that are written without +; empty: such numbers are invalid.
PHONE_REGION = env.str("PHONE_REGION", default="").upper()

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# ------------------------------------------------------------------ mail
vars().update(env.email_url("EMAIL_URL", default="consolemail://"))

# ------------------------------------------------------------------ background work
# Redis or RabbitMQ where there are several machines; else folders beside the database.
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="filesystem://")
CELERY_BROKER_FOLDERS: list[str] = []
if CELERY_BROKER_URL.startswith("filesystem:"):
    _database = Path(str(DATABASES["default"]["NAME"]))
    _beside = _database.parent if _database.is_absolute() else VAR_DIR
    _queue = str(_beside / f"{_database.name or 'campaign'}-queue")
    CELERY_BROKER_FOLDERS = [_queue]
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": _queue,
        "data_folder_out": _queue,
        "control_folder": _queue,
    }
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True

# ------------------------------------------------------------------ quarantine (Q3, Q5)
# Soft errors that count until the address is quarantined.
QUARANTINE_SOFT_THRESHOLD = _number("QUARANTINE_SOFT_THRESHOLD", 5)
# Hours that must lie between two soft errors for both to count.
QUARANTINE_SOFT_INTERVAL_HOURS = _number("QUARANTINE_SOFT_INTERVAL_HOURS", 24)
# Days after its last soft error when an erroneous address is valid again.
QUARANTINE_RELEASE_DAYS = _number("QUARANTINE_RELEASE_DAYS", 10)
# The same when its mailbox was full.
QUARANTINE_MAILBOX_FULL_DAYS = _number("QUARANTINE_MAILBOX_FULL_DAYS", 30)

# ------------------------------------------------------------------ analysis
# Profiles that one statement of the analysis judges; 10,000 to 50,000 is fastest.
ANALYSIS_CHUNK_SIZE = _number("ANALYSIS_CHUNK_SIZE", 50_000)

# ------------------------------------------------------------------ production
if not DEBUG:
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BASE_URL.startswith("https://")
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    CSRF_TRUSTED_ORIGINS = [BASE_URL]
SECURE_REFERRER_POLICY = "same-origin"
