"""Settings, read from the environment; the embedded default needs no server but this process."""

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from biofors_site.broker import transport_options
from biofors_site.rates import read_rate
from biofors_site.secrets import embedded_secret_key
from biofors_site.theme import UNFOLD  # noqa: F401

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

DATA_DIR = Path(env.str("BIOFORS_DATA_DIR", default=str(BASE_DIR / "var"))).resolve()
DATA_DIR.mkdir(parents=True, exist_ok=True)

# The embedded default is one person's machine: SQLite and a queue of files. Anything else is a
# server, which has to say its own secret.
EMBEDDED = "DATABASE_URL" not in env.ENVIRON
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY:
    if not EMBEDDED and not DEBUG:
        raise ImproperlyConfigured("SECRET_KEY is not set. Set it to a long random value and start again.")
    SECRET_KEY = embedded_secret_key(DATA_DIR)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]", "testserver"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "biofors_site.apps.BioforsSiteConfig",
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "rest_framework.authtoken",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "datasets.apps.DatasetsConfig",
    "classifier.apps.ClassifierConfig",
    "training_jobs.apps.TrainingJobsConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "biofors_site.urls"
WSGI_APPLICATION = "biofors_site.wsgi.application"

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
            ],
        },
    },
]

DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'db.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Two processes write: take the write lock at BEGIN, wait for it, and let readers go on (WAL).
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;",
    }
    # A file costs nothing to hold open; to a server every thread would hold a connection.
    DATABASES["default"]["CONN_MAX_AGE"] = 60
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {"default": env.cache_url("CACHE_URL", default="locmemcache://")}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "home"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
USE_THOUSAND_SEPARATOR = True

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": DATA_DIR}},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Files are served from where they stand: no collectstatic before a first start.
WHITENOISE_USE_FINDERS = True

# An import archive is streamed to disk; a form field is never this large.
FILE_UPLOAD_TEMP_DIR = None
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000
DATA_UPLOAD_MAX_NUMBER_FILES = 100

# Only behind a proxy that sets X-Forwarded-Proto itself: from anybody else it would be a mere claim.
# Without it cookies go over http too, as one person's machine needs it.
if env.bool("BIOFORS_TRUST_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["datasets.api.permissions.RolePermission"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "datasets.api.pagination.KeysetPagination",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "datasets.api.errors.handle_exception",
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "BioFors figure panels",
    "DESCRIPTION": "Curate scientific figure panels, train classifiers on them, and classify images.",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_NAME_OVERRIDES": {
        "ImageState": "datasets.models.Image.State",
        "JobState": "training_jobs.models.Job.State",
        "SweepState": "training_jobs.models.Sweep.State",
        "SweepMethod": "training_jobs.models.Sweep.Method",
        "InferenceJobKind": "training_jobs.models.InferenceJob.Kind",
        "ExportFormat": "classifier.models.Export.Format",
        "PromotionKind": "classifier.models.Promotion.Kind",
        "ExplanationMethod": "classifier.explaining.heat.Method",
    },
}

CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="filesystem://")
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object]
if urlsplit(CELERY_BROKER_URL).scheme == "filesystem":
    CELERY_BROKER_URL = "filesystem://localhost//"
    CELERY_BROKER_TRANSPORT_OPTIONS = transport_options(DATA_DIR)
else:
    # A task that outlasts the visibility timeout is delivered twice; the row's lease makes that harmless.
    CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 7 * 24 * 3600}

# A worker silent for so long has lost its job, which another then takes up.
JOB_LEASE_SECONDS = env.float("BIOFORS_JOB_LEASE_SECONDS", default=30.0)

# So many images of an inference job a worker takes at a time.
INFERENCE_CHUNK_IMAGES = env.int("BIOFORS_INFERENCE_CHUNK_IMAGES", default=1000)
# How many inference workers `serve` starts.
INFERENCE_WORKERS = env.int("BIOFORS_INFERENCE_WORKERS", default=1)

# One training run at a time is at work on a device; without a name it is this host and its first card.
DEVICE = env.str("BIOFORS_DEVICE", default="")

# How much worse than the champion, in recall or F1 of a class, a version may be to take its place.
GATE_MARGIN = env.float("BIOFORS_GATE_MARGIN", default=0.05)

# What answers: OpenVINO where it is installed, unless "onnxruntime" is asked for; in INT8 where that was
# measured and offered. Threads compute in all, streams are images at once.
ENGINE = env.str("BIOFORS_ENGINE", default="")
if ENGINE not in ("", "openvino", "onnxruntime"):
    raise ImproperlyConfigured(f"BIOFORS_ENGINE is openvino or onnxruntime, not {ENGINE!r}.")
INT8 = env.bool("BIOFORS_INT8", default=True)
ENGINE_THREADS = env.int("BIOFORS_ENGINE_THREADS", default=2)
ENGINE_STREAMS = env.int("BIOFORS_ENGINE_STREAMS", default=1)

# Training runs are mirrored to this MLflow server; without it nothing of MLflow is loaded.
MLFLOW_TRACKING_URI = env.str("MLFLOW_TRACKING_URI", default="")
# Where people reach this site, for links to it from elsewhere.
SITE_URL = env.str("BIOFORS_URL", default="")

# Of `classify/`, in each web process: requests at work at once, and how many more wait; the rest hear `busy`.
CLASSIFY_AT_WORK = env.int("BIOFORS_CLASSIFY_AT_WORK", default=1 + (os.cpu_count() or 1) // 2)
CLASSIFY_WAITING = env.int("BIOFORS_CLASSIFY_WAITING", default=16)
CLASSIFY_PATIENCE_SECONDS = 15.0
# For so long a web process takes it that token, champion and temperature are what they were.
CLASSIFY_REMEMBER_SECONDS = 1.0
# How many images a user may have classified, as 600/minute; without it nobody is counted.
CLASSIFY_RATE = read_rate(env.str("BIOFORS_CLASSIFY_RATE", default=""), name="BIOFORS_CLASSIFY_RATE")

RESNET50_WEIGHTS = env.str("RESNET50_WEIGHTS", default="imagenet")

# A pytest run keeps the console for its own report.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING" if "pytest" in sys.modules else "INFO"},
}
