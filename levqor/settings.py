"""Every setting of the portal, each read once from the environment, with type and default.

One file for all environments. `.env.example` lists the variables with their meaning; a test compares.
"""

from pathlib import Path
from typing import Any

import environ

from levqor import runtime
from levqor.runtime import ports

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

# Where it runs
LEVQOR_HOST: str = env.str("LEVQOR_HOST", default="127.0.0.1")
LEVQOR_PORT: int = env.int("LEVQOR_PORT", default=8000)
LEVQOR_VAR: Path = Path(env.str("LEVQOR_VAR", default=str(BASE_DIR / "var"))).resolve()
ENVIRONMENT: str = env.str("ENVIRONMENT", default="production")
LEVQOR_VERSION = "0.1.0"

# What `up` started, when it runs: the addresses and the key of the embedded servers.
_embedded: dict[str, str] = runtime.addresses(LEVQOR_VAR)


def _address(name: str) -> str:
    return str(env.str(name, default=_embedded.get(name, "")))


DATABASE_URL: str = _address("DATABASE_URL")
DATABASE_ADMIN_URL: str = _address("DATABASE_ADMIN_URL") or DATABASE_URL
REDIS_URL: str = _address("REDIS_URL")

# Secrets. Without a key the portal refuses to serve (levqor.E001); commands that need none still run.
SECRET_KEY: str = _address("SECRET_KEY") or "unset-" + "0" * 50
SECRET_KEY_IS_SET: bool = not SECRET_KEY.startswith("unset-")
# The token with which the portal probes its own API; headers name it ${LEVQOR_PROBE_KEY}.
LEVQOR_PROBE_KEY: str = env.str("LEVQOR_PROBE_KEY", default=runtime.probe_key(LEVQOR_VAR))
DATABASE_SUPERUSER_URL: str = env.str("DATABASE_SUPERUSER_URL", default="")
# Under evidence bundles: 64 hex digits; without it a key is made and kept in LEVQOR_VAR.
EVIDENCE_SIGNING_KEY: str = env.str("EVIDENCE_SIGNING_KEY", default="")
LEVQOR_ADMIN_USER: str = env.str("LEVQOR_ADMIN_USER", default="operator")
LEVQOR_ADMIN_PASSWORD: str = env.str("LEVQOR_ADMIN_PASSWORD", default="")

# Tenancy
TENANCY_MODE: str = env.str("TENANCY_MODE", default="single")
TENANT_HEADER: str = env.str("TENANT_HEADER", default="x-tenant-id")
DEFAULT_TENANT_ID: str = env.str("DEFAULT_TENANT_ID", default="000-CORE")

# Measuring
# The embedded run watches itself: its own address, and nothing else that is private.
PROBE_ALLOWED_NETWORKS: list[str] = env.list(
    "PROBE_ALLOWED_NETWORKS", default=[ports.reached_at(LEVQOR_HOST)] if _embedded else []
)
PROBE_CONCURRENCY: int = env.int("PROBE_CONCURRENCY", default=200)
DEADMAN_URL: str = env.str("DEADMAN_URL", default="")

# Telling people: where notices of alerts go
SLACK_WEBHOOK_URL: str = env.str("SLACK_WEBHOOK_URL", default="")
NOTION_TOKEN: str = env.str("NOTION_TOKEN", default="")
NOTION_REPORT_PAGE_ID: str = env.str("NOTION_REPORT_PAGE_ID", default="")
NOTION_BASE_URL: str = env.str("NOTION_BASE_URL", default="https://api.notion.com")
EMAIL_URL: str = env.str("EMAIL_URL", default="")
ALERT_EMAIL_TO: list[str] = env.list("ALERT_EMAIL_TO", default=[])
DEFAULT_FROM_EMAIL: str = env.str("DEFAULT_FROM_EMAIL", default="levqor-portal@localhost")
# Without EMAIL_URL nothing is sent: the e-mail channel says so and does not try.
_email: dict[str, Any] = env.email_url_config(EMAIL_URL or "dummymail://")
EMAIL_BACKEND: str = _email["EMAIL_BACKEND"]
EMAIL_HOST: str = _email.get("EMAIL_HOST") or "localhost"
EMAIL_PORT: int = _email.get("EMAIL_PORT") or 25
EMAIL_HOST_USER: str = _email.get("EMAIL_HOST_USER") or ""
EMAIL_HOST_PASSWORD: str = _email.get("EMAIL_HOST_PASSWORD") or ""
EMAIL_USE_TLS: bool = _email.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL: bool = _email.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 10

# Django
DEBUG = False
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=[LEVQOR_HOST, "localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])
ROOT_URLCONF = "levqor.urls"
WSGI_APPLICATION = "levqor.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en-gb"
FORMAT_MODULE_PATH = ["levqor.formats"]
TIME_ZONE = "UTC"
USE_TZ = True

INSTALLED_APPS = [
    "levqor.apps.LevqorConfig",
    "intelligence",
    "monitoring",
    "tenancy",
    "levqor.apps.OpsAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_celery_beat",
    "rest_framework",
    "drf_spectacular",
]

MIDDLEWARE = [
    "levqor.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "levqor.middleware.ContentSecurityMiddleware",
    "tenancy.middleware.ScopeMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Two logins to one database: the application's, and the owner's for migrations and provisioning.
_database: dict[str, Any] = {
    "ENGINE": "tenancy.backend",
    "CONN_MAX_AGE": 60,
    "CONN_HEALTH_CHECKS": True,
    # A transaction pooler gives each transaction another connection: no cursor may outlive one.
    "DISABLE_SERVER_SIDE_CURSORS": True,
    # Every view runs in one transaction, which is what binds it to its tenant.
    "ATOMIC_REQUESTS": True,
}


def _login(url: str, **options: Any) -> dict[str, Any]:
    parsed = env.db_url_config(url, engine="tenancy.backend") if url else {}
    return {**_database, **parsed, "OPTIONS": {**parsed.get("OPTIONS", {}), "connect_timeout": 5, **options}}


DATABASES = {
    "default": _login(DATABASE_URL),
    "owner": _login(DATABASE_ADMIN_URL, levqor_owner=True) | {"ATOMIC_REQUESTS": False, "CONN_MAX_AGE": 0},
}

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL or "redis://127.0.0.1:1/0",
        "KEY_PREFIX": env.str("CACHE_KEY_PREFIX", default="levqor"),
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
    }
}

STATIC_URL = "/static/"
STATIC_ROOT = LEVQOR_VAR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# Cookies and transport. Behind TLS set LEVQOR_HTTPS=true: the cookies then carry the __Host- prefix.
LEVQOR_HTTPS: bool = env.bool("LEVQOR_HTTPS", default=False)
SESSION_COOKIE_SECURE = LEVQOR_HTTPS
CSRF_COOKIE_SECURE = LEVQOR_HTTPS
SESSION_COOKIE_NAME = "__Host-levqor-session" if LEVQOR_HTTPS else "levqor-session"
CSRF_COOKIE_NAME = "__Host-levqor-csrf" if LEVQOR_HTTPS else "levqor-csrf"
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SECURE_SSL_REDIRECT = LEVQOR_HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if LEVQOR_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = LEVQOR_HTTPS
SECURE_HSTS_PRELOAD = LEVQOR_HTTPS
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if LEVQOR_HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

# The API
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tenancy.api.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["tenancy.api.permissions.HasTokenScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_THROTTLE_CLASSES": ["tenancy.api.throttles.TokenThrottle"],
    "DEFAULT_THROTTLE_RATES": {"token": env.str("API_THROTTLE", default="6000/min")},
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "tenancy.api.errors.typed_error",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Levqor portal",
    "DESCRIPTION": "Reads what the portal measured and takes in what your programs report.",
    "VERSION": LEVQOR_VERSION,
    "SERVE_INCLUDE_SCHEMA": False,
}

# Celery: JSON only, late acknowledgement, no results kept; the database is the truth about what is owed.
CELERY_BROKER_URL = REDIS_URL
CELERY_TIMEZONE = "UTC"
CELERY_ENABLE_UTC = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 600
CELERY_TASK_SOFT_TIME_LIMIT = 540
CELERY_TASK_DEFAULT_QUEUE = env.str("CELERY_QUEUE", default="levqor")
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_timeout": 5,
    "socket_connect_timeout": 3,
    "retry_on_timeout": True,
    "health_check_interval": 10,
}
CELERY_BEAT_SCHEDULER = "monitoring.scheduler.LedgerScheduler"
CELERY_BEAT_SYNC_EVERY = 1
CELERY_BEAT_MAX_LOOP_INTERVAL = 1
DJANGO_CELERY_BEAT_TZ_AWARE = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "levqor.logs.JsonFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
}
