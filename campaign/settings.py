"""Every setting of Campaign, from environment variables with safe local defaults.

The whole table, with what each variable means, is in docs/settings.md.
"""

import math
import os
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import django_stubs_ext
import environ
from django.core.exceptions import ImproperlyConfigured

from audiences.wording import page_texts
from campaign import __version__, email_url

from . import production

# Forms, fields and admins take type parameters, as their stubs say.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
# What the site itself writes to disk.
VAR_DIR = Path(os.environ.get("VAR_DIR", "") or BASE_DIR / "var")
VAR_DIR.mkdir(parents=True, exist_ok=True)

env = environ.Env()
VERSION = __version__


def _number(name: str, default: int) -> int:
    """A whole number from the environment; a refusal names the variable."""
    text = env.str(name, default=str(default))
    try:
        return int(text)
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{name} is {text!r}, not a whole number."
        ) from error


def _decimal(name: str, default: float) -> float:
    """A number from the environment; a refusal names the variable."""
    text = env.str(name, default=f"{default:g}")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ImproperlyConfigured(f"{name} is {text!r}, not a number.")
    return value


def _secrets(name: str) -> list[str]:
    """Comma-separated secrets, the newest first: one is replaced in two steps.

    They are read directly: environ takes one that begins with $ for a variable's name.
    """
    given = os.environ.get(name, "").split(",")
    return [secret.strip() for secret in given if secret.strip()]


# ------------------------------------------------------------------ the basics
# Off unless something local turns it on: manage.py does on one's own machine; the
# entries for web servers and workers never do.
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = os.environ.get("SECRET_KEY", "") or production.LOCAL_KEY
# Former keys, comma-separated: what they signed remains valid.
SECRET_KEY_FALLBACKS = _secrets("SECRET_KEY_FALLBACKS")
# What signs personal links, the newest first; the others only stop messages. Empty:
# SECRET_KEY does.
LINK_KEYS = _secrets("LINK_KEYS")
# What hashes the addresses that are suppressed, the newest first; kept outside the
# database. Without one nobody can be erased; on one's own machine one is made.
SUPPRESSION_KEYS = _secrets("SUPPRESSION_KEYS") or (
    [production.local_secret(VAR_DIR / "suppression.key")] if DEBUG else []
)
# What signs the checkpoints of the ledger: base64 of 32 random bytes. Empty on one's
# own machine: a key is made in var/.
LEDGER_KEY = os.environ.get("LEDGER_KEY", "").strip()
# Verifier keys of before, comma-separated: checkpoints that they signed go on counting.
LEDGER_FORMER_KEYS = _secrets("LEDGER_FORMER_KEYS")
ALLOWED_HOSTS = [
    host.strip()
    for host in env.list("ALLOWED_HOSTS", default=["*"] if DEBUG else [])
    if host.strip()
]
BASE_URL = env.str("BASE_URL", default="http://127.0.0.1:8000").rstrip("/")
if not DEBUG:
    production.refuse_weak_key("SECRET_KEY", SECRET_KEY)
    production.refuse_known_keys("SECRET_KEY_FALLBACKS", SECRET_KEY_FALLBACKS)
    for _key in LINK_KEYS:
        production.refuse_weak_key("LINK_KEYS", _key)
    for _key in SUPPRESSION_KEYS:
        production.refuse_weak_key("SUPPRESSION_KEYS", _key)
    production.refuse_plain_http(BASE_URL)

INSTALLED_APPS = [
    "campaign.apps.CampaignConfig",
    "audiences.apps.AudiencesConfig",
    "delivery.apps.DeliveryConfig",
    "campaign.apps.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "crispy_forms",
    "crispy_bootstrap5",
]
CRISPY_ALLOWED_TEMPLATE_PACKS = CRISPY_TEMPLATE_PACK = "bootstrap5"
MIDDLEWARE = [
    # First: health is told whatever follows refuses, and refusals are counted too.
    "campaign.monitoring.middleware.Watched",
    "audiences.pages.middleware.PublicPages",
    "audiences.console.middleware.ConsolePages",
    "django.middleware.security.SecurityMiddleware",
    # Style and scripts; on one's own machine Django's server has them.
    *([] if DEBUG else ["whitenoise.middleware.WhiteNoiseMiddleware"]),
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    # Last: it turns a refused sign-in into its page.
    "axes.middleware.AxesMiddleware",
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
# The files of the API's documentation page, served by this site: every command would
# import an app.
_ninja = find_spec("ninja")
STATICFILES_DIRS = (
    [Path(_ninja.origin).parent / "static"] if _ninja and _ninja.origin else []
)
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles")))
if not DEBUG:
    # Names that change with the content, so that browsers keep the files for ever.
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "campaign.serving.collected_files.CollectedFiles"},
    }
# Bytes of a form; uploads of files are limited by IMPORT_LARGEST_MB.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
# A condition of 200 rows has more fields than Django lets a form have.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000
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
# Seconds for which a connection to PostgreSQL is kept, and that a statement may take.
DATABASE_KEPT_SECONDS = _number("DATABASE_KEPT_SECONDS", 60)
STATEMENT_SECONDS = _number("STATEMENT_SECONDS", 0)
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # IMMEDIATE: a writer takes the lock when its transaction begins, so that what it
    # reads is still true when it writes. FULL: a committed opt-out survives a crash.
    # Secure: what is deleted is overwritten, so that an erased name is in no free page.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;PRAGMA secure_delete=ON;"
        ),
    }
else:
    # A connection is kept for a while: opening one costs more than most requests.
    DATABASES["default"]["CONN_MAX_AGE"] = DATABASE_KEPT_SECONDS
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    # What serves pages sets it: nobody waits longer, and nothing holds a lock longer.
    # Commands and workers may take the time that they need.
    if STATEMENT_SECONDS > 0:
        DATABASES["default"].setdefault("OPTIONS", {})["options"] = (
            f"-c statement_timeout={STATEMENT_SECONDS}s"
            f" -c lock_timeout={max(1, STATEMENT_SECONDS // 2)}s"
            f" -c idle_in_transaction_session_timeout={STATEMENT_SECONDS}s"
        )

# The role as which the site works where another one owns the tables (PostgreSQL):
# each `migrate` gives it what it needs. Empty: there is one role for both.
SITE_ROLE = env.str("SITE_ROLE", default="")

# ------------------------------------------------------------------ people and places
USE_TZ = True
USE_I18N = True
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
LANGUAGE_CODE = env.str("LANGUAGE_CODE", default="en")
FORMAT_MODULE_PATH = ["campaign.formats"]
# What an operator chose; pages of recipients have a choice of their own.
LANGUAGE_COOKIE_PATH = "/admin/"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
# A language is there when it has a file of texts for the public pages.
LANGUAGES = page_texts.languages()
LOCALE_PATHS = [BASE_DIR / "locale"]
# The region of numbers written without +; if empty, such numbers are invalid.
PHONE_REGION = env.str("PHONE_REGION", default="").upper()

_VALIDATION = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_VALIDATION}.UserAttributeSimilarityValidator"},
    {
        "NAME": f"{_VALIDATION}.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": f"{_VALIDATION}.CommonPasswordValidator"},
    {"NAME": f"{_VALIDATION}.NumericPasswordValidator"},
]

# ------------------------------------------------------------------ signing in
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
# Wrong passwords for one user from one network before it is refused for a while.
AXES_FAILURE_LIMIT = SIGN_IN_ATTEMPTS = _number("SIGN_IN_ATTEMPTS", 5)
SIGN_IN_PAUSE_MINUTES = _number("SIGN_IN_PAUSE_MINUTES", 15)
AXES_COOLOFF_TIME = timedelta(minutes=SIGN_IN_PAUSE_MINUTES)
# Neither a user nor an office's address alone, so nobody can lock out someone else.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_CLIENT_IP_CALLABLE = "audiences.pages.visitors.network_start"
AXES_LOCKOUT_CALLABLE = "audiences.console.sign_in.views.refuse"
AXES_HANDLER = "audiences.console.sign_in.limits.SlowedHandler"
AXES_VERBOSE = False
# Wrong passwords in an hour for one name, and from one network, wherever from and for
# whom; the next one is possible when one of them has come back.
SIGN_IN_PER_NAME = _number("SIGN_IN_PER_NAME", 10)
SIGN_IN_PER_NETWORK = _number("SIGN_IN_PER_NETWORK", 15)
# Who needs a second factor: administrators (with protection officers), everybody, or
# nobody (optional).
SECOND_FACTOR = env.str(
    "SECOND_FACTOR", default="optional" if DEBUG else "administrators"
)
OTP_TOTP_ISSUER = "Campaign"
# Searches for a whole address in an hour, by an operator who may not see addresses.
ADDRESS_SEARCHES = _number("ADDRESS_SEARCHES", 30)
# Hours after which an operator must sign in again.
SESSION_HOURS = _number("SESSION_HOURS", 12)
SESSION_COOKIE_AGE = SESSION_HOURS * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"

# ------------------------------------------------------------------ mail
vars().update(email_url.read(env.str("EMAIL_URL", default="consolemail://")))
# Seconds to wait for the mail server; without it a worker could wait forever.
EMAIL_TIMEOUT = 30
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="campaign@localhost")
# Mails after which a connection to the mail server is closed and opened again.
SMTP_MESSAGES = _number("SMTP_MESSAGES", 100)
# The selector with which your mail server signs (DKIM), for `doctor` to look for.
DKIM_SELECTOR = env.str("DKIM_SELECTOR", default="")
# Where visitors who cannot use a form may write; if empty, pages give no address.
CONTACT_EMAIL = env.str("CONTACT_EMAIL", default="")
# Days until the row of a mail is removed, sent or not.
OUTBOX_DAYS = _number("OUTBOX_DAYS", 7)

# The class that hands an SMS over, by its dotted path; the default prints it.
SMS_GATEWAY = env.str("SMS_GATEWAY", default="audiences.sms.ConsoleGateway")

# Twilio's account, and what it sends from; its token is in TWILIO_AUTH_TOKENS.
TWILIO_ACCOUNT_SID = env.str("TWILIO_ACCOUNT_SID", default="")
TWILIO_FROM = env.str("TWILIO_FROM", default="")
TWILIO_URL = env.str("TWILIO_URL", default="https://api.twilio.com").rstrip("/")
# A provider that takes an HTTP call for each SMS: what is called, and what its answers
# mean. They are read directly: environ takes one that begins with $ for a name.
SMS_HTTP_METHOD = os.environ.get("SMS_HTTP_METHOD", "POST").upper()
SMS_HTTP_URL = os.environ.get("SMS_HTTP_URL", "")
SMS_HTTP_HEADERS = os.environ.get("SMS_HTTP_HEADERS", "")
SMS_HTTP_BODY = os.environ.get("SMS_HTTP_BODY", "")
SMS_HTTP_TAKEN = os.environ.get("SMS_HTTP_TAKEN", "")
SMS_HTTP_REFUSED = os.environ.get("SMS_HTTP_REFUSED", "")
SMS_HTTP_LATER = os.environ.get("SMS_HTTP_LATER", "")
SMS_HTTP_ID = os.environ.get("SMS_HTTP_ID", "")

# ------------------------------------------------------------------ notifications
# Web Push: the private key (base64url of its 32 bytes or of its DER), and whom a push
# service asks about us, as mailto:… or https://….
VAPID_PRIVATE_KEY = os.environ.get("VAPID_PRIVATE_KEY", "")
VAPID_CONTACT = env.str("VAPID_CONTACT", default="")
# Seconds that a push service keeps a notification for a browser that is not there.
PUSH_SECONDS = _number("PUSH_SECONDS", 86_400)
# Whether addresses that others gave may be in private networks.
ENDPOINTS_ALLOW_PRIVATE = env.bool("ENDPOINTS_ALLOW_PRIVATE", default=False)

# ------------------------------------------------------------------ personal links
# Days in which a personal link opts in and changes details; it opts out forever.
EDIT_LINK_DAYS = _number("EDIT_LINK_DAYS", 7)
# The mailbox that reads unsubscribe mails: unsubscribe@example.org gets those to
# unsubscribe+<token>@example.org. Empty: mails carry no mailto link.
UNSUBSCRIBE_MAILBOX = env.str("UNSUBSCRIBE_MAILBOX", default="")

# ------------------------------------------------------------------ other visitors
# Messages that visitors may ask for each day: to one address in all (links, sign-ups,
# confirmations), of these to confirm one service, and from one network.
REQUESTS_PER_ADDRESS = _number("REQUESTS_PER_ADDRESS", 3)
CONFIRMATIONS_PER_SERVICE = _number("CONFIRMATIONS_PER_SERVICE", 1)
REQUESTS_PER_NETWORK = _number("REQUESTS_PER_NETWORK", 20)
# Days in which a sign-up can be confirmed; then it is erased.
SIGNUP_REQUEST_DAYS = _number("SIGNUP_REQUEST_DAYS", 7)
# Days in which a subscription with double opt-in can be confirmed; then it is erased.
PENDING_SUBSCRIPTION_DAYS = _number("PENDING_SUBSCRIPTION_DAYS", 7)
# Rounds that a proof of work takes at most, and minutes that it is valid.
PROOF_OF_WORK_ROUNDS = _number("PROOF_OF_WORK_ROUNDS", 600)
PROOF_OF_WORK_MINUTES = _number("PROOF_OF_WORK_MINUTES", 60)
# Proxies of our own before this server; each adds an address to X-Forwarded-For.
TRUSTED_PROXIES = _number("TRUSTED_PROXIES", 0)

# ------------------------------------------------------------------ the API
# Requests of a key in a minute, unless the key says otherwise.
API_RATE = _number("API_RATE", 1200)

# ------------------------------------------------------------------ events out
# Calls at once to one endpoint.
ENDPOINT_CONNECTIONS = _number("ENDPOINT_CONNECTIONS", 8)
# Seconds that an endpoint may take to answer.
ENDPOINT_SECONDS = _number("ENDPOINT_SECONDS", 10)
# Days until the record of a call that an endpoint took is removed.
ENDPOINT_DAYS = _number("ENDPOINT_DAYS", 30)

# ------------------------------------------------------------------ background work
# Redis or RabbitMQ where there are several machines; else folders beside the database.
CELERY_BROKER_URL = (
    env.str("CELERY_BROKER_URL", default="filesystem://") or "filesystem://"
)
CELERY_BROKER_FOLDERS: list[str] = []
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {}
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
elif CELERY_BROKER_URL.startswith("redis"):
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        # A connection that a firewall has dropped without a word is found out.
        "socket_keepalive": True,
        "health_check_interval": 25,
    }
# One of all clocks ticks: the one with the lease in the database.
CELERY_BEAT_SCHEDULER = "audiences.background.clock:Clock"
CELERY_BEAT_MAX_LOOP_INTERVAL = 10
# Nobody steers workers from afar, and a queue for it has a name that only one may use.
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
# Tasks that a worker does at once.
WORKER_THREADS = _number("WORKER_THREADS", 2)
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

# ------------------------------------------------------------------ webhooks
# A provider's webhook exists when its secret is set, and not before.
TWILIO_AUTH_TOKENS = _secrets("TWILIO_AUTH_TOKENS")
SMS_WEBHOOK_SECRETS = _secrets("SMS_WEBHOOK_SECRETS")
# user:password of the providers that sign nothing: Postmark, Brevo, Mailjet, SparkPost.
EMAIL_WEBHOOK_SECRETS = _secrets("EMAIL_WEBHOOK_SECRETS")
MAILGUN_SIGNING_KEYS = _secrets("MAILGUN_SIGNING_KEYS")
SENDGRID_VERIFICATION_KEYS = _secrets("SENDGRID_VERIFICATION_KEYS")
RESEND_SIGNING_SECRETS = _secrets("RESEND_SIGNING_SECRETS")
# Topics of Amazon SNS that may report, as ARNs.
SNS_TOPICS = _secrets("SNS_TOPICS")
# Seconds that a signed call stays valid, where its time is signed too.
WEBHOOK_FRESH_SECONDS = _number("WEBHOOK_FRESH_SECONDS", 300)

# ------------------------------------------------------------------ sending
# Connections to the mail server, or to the provider, of each worker that sends.
SEND_CONNECTIONS = _number("SEND_CONNECTIONS", 4)
# Messages a second at most, where a delivery says nothing itself; 0: as many as it can.
SEND_RATE = _decimal("SEND_RATE", 0)
# Workers that are woken for one delivery.
SEND_WORKERS = _number("SEND_WORKERS", 1)
# More messages than this ask for the number to be typed in the console.
SEND_CONFIRM_ABOVE = _number("SEND_CONFIRM_ABOVE", 1000)
# The share of refusals among the last thousand messages at which it pauses.
SEND_PAUSE_REFUSED = _decimal("SEND_PAUSE_REFUSED", 0.25)

# A site on trial: only these addresses, numbers and @domains receive anything.
TRIAL_RECIPIENTS = [
    text.strip()
    for text in env.str("TRIAL_RECIPIENTS", default="").split(",")
    if text.strip()
]
if env.str("TRIAL_RECIPIENTS", default="").strip() and not TRIAL_RECIPIENTS:
    raise ImproperlyConfigured(
        "TRIAL_RECIPIENTS names nobody: name an address, a number or an @domain, or "
        "leave it empty for a site that is not on trial."
    )

# ------------------------------------------------------------------ the ledger
# Where checkpoints go besides: appended to a file, to a mail address, to a web address.
LEDGER_FILE = os.environ.get("LEDGER_FILE", "")
LEDGER_MAIL = os.environ.get("LEDGER_MAIL", "")
LEDGER_URL = os.environ.get("LEDGER_URL", "")
# A time-stamping service (RFC 3161) that stamps each checkpoint; its web address.
LEDGER_STAMP_URL = os.environ.get("LEDGER_STAMP_URL", "")

# ------------------------------------------------------------------ approvals
# Whether whoever wrote a delivery that reaches opted-out people may approve it alone.
ONE_PERSON_APPROVES = env.bool("ONE_PERSON_APPROVES", default=False)

# ------------------------------------------------------------------ what comes back
# The mailbox that reads bounces: bounces@example.org gets those to
# bounces+<token>@example.org. Empty: messages have no return path of their own.
BOUNCE_MAILBOX = env.str("BOUNCE_MAILBOX", default="")
# The mailbox that is read each minute, as imaps://user:password@host/folder.
FEEDBACK_IMAP_URL = env.str("FEEDBACK_IMAP_URL", default="")
# Whether read messages are deleted from that mailbox.
FEEDBACK_IMAP_DELETE = env.bool("FEEDBACK_IMAP_DELETE", default=False)
# Days after a message in which a report without its number may be about it.
FEEDBACK_PERIOD_DAYS = _number("FEEDBACK_PERIOD_DAYS", 30)
# Whether address and period are enough for a failure that nothing vouches for. Only
# without BOUNCE_MAILBOX, and for messages of which no number is on record.
FEEDBACK_TRUST_UNNUMBERED = env.bool("FEEDBACK_TRUST_UNNUMBERED", default=False)
# How many things that nothing proves may act within an hour; the rest wait.
FEEDBACK_UNPROVEN_AN_HOUR = _number("FEEDBACK_UNPROVEN_AN_HOUR", 20)
# Days in which a report may find its message, once that is recorded.
FEEDBACK_LATE_DAYS = _number("FEEDBACK_LATE_DAYS", 30)
# Bytes of a mail or call that are kept; the rest of a longer one is cut off.
FEEDBACK_LARGEST = _number("FEEDBACK_LARGEST", 2_000_000)
# Days until what arrived is removed, once it is applied or ignored.
FEEDBACK_DAYS = _number("FEEDBACK_DAYS", 90)

# ------------------------------------------------------------------ analysis
# Profiles that one statement of the analysis judges; 10,000 to 50,000 is fastest.
ANALYSIS_CHUNK_SIZE = _number("ANALYSIS_CHUNK_SIZE", 50_000)

# ------------------------------------------------------------------ many people at once
# Changes to at most this many people are made while the operator waits.
BULK_AT_ONCE = _number("BULK_AT_ONCE", 1000)
# Megabytes that an uploaded file of people may have.
IMPORT_LARGEST_MB = _number("IMPORT_LARGEST_MB", 100)
# Days until what is left of an import in the browser (its rejects) is removed.
IMPORT_DAYS = _number("IMPORT_DAYS", 7)

# ------------------------------------------------------------------ serving
# Processes that answer requests, and how many each answers at once; processes that work
# behind the scenes, of those that `serve` keeps running.
WEB_PROCESSES = _number("WEB_PROCESSES", 2)
WEB_THREADS = _number("WEB_THREADS", 8)
WORKERS = _number("WORKERS", 1)

# ------------------------------------------------------------------ being seen
# Who may read /metrics; without a token, whoever is on this machine.
METRICS_TOKEN = os.environ.get("METRICS_TOKEN", "").strip()
# Statements of SQL that take longer, in seconds, are named in the log.
SLOW_SECONDS = _decimal("SLOW_SECONDS", 1)
# Where `backup` puts backups, and where doctor looks for the newest one.
BACKUP_DIR = Path(env.str("BACKUP_DIR", default=str(VAR_DIR / "backups")))

# ------------------------------------------------------------------ logs
# json: an object a line, and one for each request; text: errors alone, for people.
LOG_FORMAT = env.str("LOG_FORMAT", default="text" if DEBUG else "json")
if LOG_FORMAT not in ("json", "text"):
    raise ImproperlyConfigured(f"LOG_FORMAT is {LOG_FORMAT!r}, not json or text.")
# Reading a log must not enable anyone to act for a recipient.
_MASKED: dict[str, object] = {"filters": ["mask_tokens"]}
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"mask_tokens": {"()": "audiences.pages.log_masking.MaskTokens"}},
    "formatters": {
        "django.server": {
            "()": "django.utils.log.ServerFormatter",
            "format": "[{server_time}] {message}",
            "style": "{",
        },
        "errors": {
            "()": "audiences.pages.log_masking.WithoutValues",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        },
    },
    "handlers": {
        # By itself Django prints no errors in production.
        "errors": {
            "class": "logging.StreamHandler",
            "formatter": "errors",
            "level": "ERROR",
            "filters": ["mask_tokens"],
        },
        "django.server": {
            "class": "logging.StreamHandler",
            "formatter": "django.server",
        },
    },
    "loggers": {
        "django.request": {**_MASKED, "handlers": [] if DEBUG else ["errors"]},
        "django.security": _MASKED,
        "django.server": {
            **_MASKED,
            "handlers": ["django.server"],
            "level": "INFO",
            "propagate": False,
        },
    },
}

if LOG_FORMAT == "json":
    LOGGING["formatters"]["json"] = {"()": "campaign.monitoring.logs.JsonLines"}
    LOGGING["handlers"] = {
        "json": {"class": "logging.StreamHandler", "formatter": "json"}
    }
    LOGGING["root"] = {"handlers": ["json"], "level": "WARNING"}
    LOGGING["loggers"] = {
        "django": {"handlers": [], "level": "WARNING", "propagate": True},
        "campaign": {"level": "INFO"},
        # A 404 or a refusal is in the line of its request already.
        "django.request": {"level": "ERROR", "propagate": True},
        "django.server": {"handlers": [], "propagate": False},
    }
    CELERY_WORKER_HIJACK_ROOT_LOGGER = False

# ------------------------------------------------------------------ production
if not DEBUG:
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BASE_URL.startswith("https://")
    LANGUAGE_COOKIE_SECURE = SESSION_COOKIE_SECURE
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    CSRF_TRUSTED_ORIGINS = [BASE_URL]
SECURE_REFERRER_POLICY = "same-origin"
