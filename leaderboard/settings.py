"""Settings of the site, all from the environment, with defaults that run as they are.

The defaults are the embedded mode: SQLite, a folder as Celery's broker and
files under ``var/``. docs/operating.md lists what production sets.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import environ

from leaderboard.secrets import read_or_make_secret_key

env = environ.Env()

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env("AUTOVI_VAR", default=str(BASE_DIR / "var"))).resolve()
for folder in ("broker/queue", "broker/control", "submissions", "results", "packs", "tmp", "mail"):
    (VAR_DIR / folder).mkdir(parents=True, exist_ok=True)

HTTPS = env.bool("AUTOVI_HTTPS", default=False)
SECRET_KEY = env("SECRET_KEY", default="") or read_or_make_secret_key(
    VAR_DIR / "secret.key", make=not HTTPS
)
DEBUG = env.bool("AUTOVI_DEBUG", default=False)
ALLOWED_HOSTS = env.list("AUTOVI_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
SITE_NAME = env("AUTOVI_SITE_NAME", default="AutoVI board")

# The private part of the datasets. Only the launcher's worker and the import command are given
# its place: where the variable is absent or empty, the setting is absent and asking for it raises
# (leaderboard.datasets.ground_truth says so in words).
if _place := env("AUTOVI_GROUND_TRUTH", default=""):
    GROUND_TRUTH_ROOT = Path(_place).resolve()
ID_SECRET = env("AUTOVI_ID_SECRET", default="")
# The public packs and their downloads.
PACKS_ROOT = VAR_DIR / "packs"
DOWNLOAD_URL = env("AUTOVI_DOWNLOAD_URL", default="https://zenodo.org/records/10459003/files/")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "csp",
    "django_htmx",
    "leaderboard.accounts",
    "leaderboard.datasets",
    "leaderboard.submissions",
    "leaderboard.boards",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "leaderboard.urls"
WSGI_APPLICATION = "leaderboard.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

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
                "leaderboard.accounts.mail.about_mail",
                "leaderboard.submissions.notices.unread",
            ],
        },
    },
]

# Database -----------------------------------------------------------------------------------------

DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'db.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file for the tests too: a database in memory knows no waiting for other connections.
    test_database = Path(tempfile.gettempdir()) / f"autovi-test-{os.getpid()}.sqlite3"
    DATABASES["default"]["TEST"] = {"NAME": str(test_database)}
    DATABASES["default"]["OPTIONS"] = {
        # A transaction that reads first and writes later cannot be upgraded in WAL mode once
        # another process has written: take the write lock at its start, and wait for it.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;"
        ),
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = env.int("AUTOVI_DB_CONN_MAX_AGE", default=60)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

CACHES = {"default": env.cache_url("CACHE_URL", default="dbcache://cache")}

# Files --------------------------------------------------------------------------------------------

# Bounds on what an archive may hold: scoring.limits.Limits says what each one is.
ARCHIVE_LIMITS = {
    "members": env.int("AUTOVI_LIMIT_MEMBERS", default=100_000),
    "pixels_factor": env.int("AUTOVI_LIMIT_PIXELS_FACTOR", default=4),
    "member_slack": env.int("AUTOVI_LIMIT_MEMBER_SLACK", default=64 * 2**10),
    "spool_bytes": env.int("AUTOVI_LIMIT_SPOOL_BYTES", default=16 * 2**30),
    "decode_seconds": env.float("AUTOVI_LIMIT_DECODE_SECONDS", default=20.0),
    "decode_memory": env.int("AUTOVI_LIMIT_DECODE_MEMORY", default=384 * 2**20),
}
MAX_UPLOAD_BYTES = env.int("AUTOVI_MAX_UPLOAD_BYTES", default=100 * 1024 * 1024)
# Uploads in pieces: how much, and how long one may rest before it is given up.
MAX_RESUMABLE_BYTES = env.int("AUTOVI_MAX_RESUMABLE_BYTES", default=5 * 2**30)
UPLOAD_IDLE_HOURS = env.float("AUTOVI_UPLOAD_IDLE_HOURS", default=24.0)
# Workers' copies of archives that lie in an object store.
ARCHIVE_COPIES_BYTES = env.int("AUTOVI_ARCHIVE_COPIES_BYTES", default=20 * 2**30)
KEEP_ARCHIVE_DAYS = env.float("AUTOVI_KEEP_ARCHIVE_DAYS", default=7.0)
FILE_UPLOAD_TEMP_DIR = str(VAR_DIR / "tmp")
# No page takes files but the one to submit on, which brings a handler of its own.
FILE_UPLOAD_HANDLERS = ["leaderboard.submissions.uploads.NoUploadHandler"]
FILE_UPLOAD_PERMISSIONS = 0o640
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# Where nginx serves the public storage from (an `internal` location): it then sends downloads.
X_ACCEL = env("AUTOVI_X_ACCEL", default="")
THUMBNAILS_ROOT = VAR_DIR / "thumbnails"
THUMBNAILS_MAX_BYTES = env.int("AUTOVI_THUMBNAIL_BYTES", default=64 * 1024 * 1024)

# Object stores: what is read from one waits on disk beyond this, and never whole in memory.
AWS_S3_MAX_MEMORY_SIZE = 8 * 1024 * 1024

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Without a folder of collected files WhiteNoise serves them from where they lie.
STATIC_ROOT = env("AUTOVI_STATIC_ROOT", default=None)
WHITENOISE_USE_FINDERS = STATIC_ROOT is None
WHITENOISE_MAX_AGE = 3600
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(VAR_DIR / "files")},
    },
    "submissions": env.json("AUTOVI_SUBMISSIONS_STORAGE", default=None)
    or {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(VAR_DIR / "submissions")},
    },
    "results": env.json("AUTOVI_RESULTS_STORAGE", default=None)
    or {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(VAR_DIR / "results")},
    },
    "public": env.json("AUTOVI_PUBLIC_STORAGE", default=None)
    or {
        "BACKEND": "leaderboard.datasets.storages.FolderStorage",
        "OPTIONS": {"setting": "PACKS_ROOT"},
    },
    "ground_truth": env.json("AUTOVI_GROUND_TRUTH_STORAGE", default=None)
    or {"BACKEND": "leaderboard.datasets.storages.GroundTruthStorage"},
    "previews": env.json("AUTOVI_PREVIEWS_STORAGE", default=None)
    or {
        "BACKEND": "leaderboard.datasets.storages.FolderStorage",
        "OPTIONS": {"setting": "THUMBNAILS_ROOT"},
    },
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if STATIC_ROOT is None
            else "whitenoise.storage.CompressedManifestStaticFilesStorage"
        ),
    },
}

# People -------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "submissions:mine"
LOGOUT_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = env("AUTOVI_EMAIL_VERIFICATION", default="none")
ACCOUNT_PRESERVE_USERNAME_CASING = False
ACCOUNT_USERNAME_MIN_LENGTH = 2
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_ADAPTER = "leaderboard.accounts.mail.Adapter"
ACCOUNT_FORMS = {
    name: f"leaderboard.accounts.forms.{form}"
    for name, form in {
        "change_password": "ChangePassword",
        "reset_password_from_key": "NewPassword",
    }.items()
}
ACCOUNT_EMAIL_SUBJECT_PREFIX = f"[{SITE_NAME}] "
# How many proxies of our own stand in front: rate limits count the address before them.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("AUTOVI_PROXIES", default=0)
DEFAULT_FROM_EMAIL = env("AUTOVI_FROM_EMAIL", default="board@localhost")
# Where people find the site: links in mails, which are written where there is no request.
SITE_URL = env("AUTOVI_SITE_URL", default="http://localhost:8000").rstrip("/")
EMAIL_TIMEOUT = env.float("AUTOVI_EMAIL_TIMEOUT", default=10.0)
if "EMAIL_URL" in env.ENVIRON:
    vars().update(env.email_url("EMAIL_URL"))
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = str(VAR_DIR / "mail")

# Browser ------------------------------------------------------------------------------------------

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
if HTTPS and ALLAUTH_TRUSTED_PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CSRF_TRUSTED_ORIGINS = env.list("AUTOVI_ORIGINS", default=[])
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    },
}

# Jobs ---------------------------------------------------------------------------------------------

VISIBILITY_SECONDS = 6 * 3600
CELERY_BROKER_URL = env("CELERY_BROKER_URL", default="filesystem://localhost")
# Who sends a message while the broker is down goes on at once: the sweeper sends it again.
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.2,
}
if CELERY_BROKER_URL.startswith("filesystem:"):
    CELERY_BROKER_TRANSPORT_OPTIONS |= {
        "data_folder_in": str(VAR_DIR / "broker/queue"),
        "data_folder_out": str(VAR_DIR / "broker/queue"),
        "control_folder": str(VAR_DIR / "broker/control"),
        # A worker also waits so long after each message, the many that are out of date included.
        "polling_interval": 0.05,
    }
elif CELERY_BROKER_URL.startswith("redis"):
    CELERY_BROKER_TRANSPORT_OPTIONS |= {
        # Above the longest task, or Redis delivers a running one again.
        "visibility_timeout": VISIBILITY_SECONDS,
        "socket_connect_timeout": 3,
    }
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
# What opens the ground truth goes to the workers that are given it.
CELERY_TASK_ROUTES = {
    "submissions.score": {"queue": "scoring"},
    "submissions.drop_kept": {"queue": "scoring"},
}
CELERY_TASK_CREATE_MISSING_QUEUES = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# A worker does nothing else for so long after one of its processes died. Celery waits ten seconds
# for a last result on its way; here results are rows.
CELERY_WORKER_LOST_WAIT = 1.0
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_TIMEZONE = "UTC"

JOB_LEASE_SECONDS = env.float("AUTOVI_JOB_LEASE_SECONDS", default=30.0)
JOB_RENEW_SECONDS = env.float("AUTOVI_JOB_RENEW_SECONDS", default=5.0)
JOB_SWEEP_SECONDS = env.float("AUTOVI_JOB_SWEEP_SECONDS", default=5.0)
JOB_RESEND_SECONDS = env.float("AUTOVI_JOB_RESEND_SECONDS", default=30.0)
JOB_STALL_MINUTES = env.float("AUTOVI_JOB_STALL_MINUTES", default=30.0)
# Names the build of the scorer where its version alone does not: see leaderboard.scorer.
SCORER_BUILD = env("AUTOVI_SCORER_BUILD", default="")
# What a job may take: so much, and so much more for each million test pixels that it looks at.
JOB_LIMIT_SECONDS = env.float("AUTOVI_JOB_LIMIT_SECONDS", default=300.0)
JOB_LIMIT_MEGAPIXEL_SECONDS = env.float("AUTOVI_JOB_LIMIT_MEGAPIXEL_SECONDS", default=1.0)
JOB_LIMIT_MOST_SECONDS = env.float("AUTOVI_JOB_LIMIT_MOST_SECONDS", default=4 * 3600.0)
JOB_LIMIT_GRACE_SECONDS = env.float("AUTOVI_JOB_LIMIT_GRACE_SECONDS", default=300.0)
JOB_MAX_ATTEMPTS = env.int("AUTOVI_JOB_MAX_ATTEMPTS", default=5)
JOB_BACKOFF_SECONDS = env.float("AUTOVI_JOB_BACKOFF_SECONDS", default=10.0)
MAIL_SECONDS = env.float("AUTOVI_MAIL_SECONDS", default=15.0)
# The pool's own kill, for a process that not even its own thread can end. Before it a job has
# ended by itself, or by its heartbeat.
CELERY_TASK_TIME_LIMIT = JOB_LIMIT_MOST_SECONDS + JOB_LIMIT_GRACE_SECONDS + 60
CELERY_BEAT_SCHEDULE = {
    "sweep": {
        "task": "submissions.sweep",
        "schedule": JOB_SWEEP_SECONDS,
        # Those that were sent while no worker ran need not all be done. So late, because the
        # worker's own clock decides: one that is ten minutes ahead has to sweep, too.
        "options": {"expires": max(3600.0, 10 * JOB_SWEEP_SECONDS)},
    },
    "drop-kept": {
        "task": "submissions.drop_kept",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
    "mail": {
        "task": "submissions.send_mails",
        "schedule": MAIL_SECONDS,
        "options": {"expires": 10 * MAIL_SECONDS},
    },
}
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat-schedule")

# Words and time -----------------------------------------------------------------------------------

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

LOG_LEVEL = env("AUTOVI_LOG_LEVEL", default="INFO").upper()
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "leaderboard.logs.KeyValueFormatter"}},
    "filters": {
        "outcomes": {
            "()": "leaderboard.logs.Outcomes",
            "level": LOG_LEVEL,
            "states": ["scored", "rejected", "failed"],
        },
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.server": {"handlers": [], "level": "INFO", "propagate": True},
        # One line a submission stays, however little else is asked for.
        "leaderboard.submissions.transitions": {"level": "INFO", "filters": ["outcomes"]},
        # Each task says for itself what it did.
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
    },
}
