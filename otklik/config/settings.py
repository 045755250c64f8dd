"""Django settings. Everything that differs between installations comes from `OTKLIK_*` and `DATABASE_URL`."""

from __future__ import annotations

import os
import secrets
import sys
from datetime import time
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from csp.constants import NONCE, NONE, SELF, UNSAFE_INLINE
from django.core.exceptions import ImproperlyConfigured

PACKAGE = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("OTKLIK_DATA", "var")).resolve()
TESTING = "pytest" in sys.modules


def _flag(name: str, default: bool = False) -> bool:
    return os.environ.get(name, str(default)).strip().lower() in {"1", "true", "yes", "on"}


def _list(name: str, default: str = "") -> list[str]:
    return [part.strip() for part in os.environ.get(name, default).split(",") if part.strip()]


def _time(name: str, default: str) -> time | None:
    """Return a time of the day, None where the variable is there and empty."""
    text = os.environ.get(name, default).strip()
    try:
        return time.fromisoformat(text) if text else None
    except ValueError:
        raise ImproperlyConfigured(f"{name}: «{text}» — не время. Напишите, например, 01:30.") from None


def _secret(name: str) -> str:
    """Return a secret from the environment, or from the file that `<name>_FILE` names: systemd hands them over so."""
    path = os.environ.get(f"{name}_FILE", "")
    return Path(path).read_text(encoding="utf-8").strip() if path else os.environ.get(name, "")


def _secret_key() -> str:
    """Return the key from the environment, else one made once and kept beside the data (mode 0600)."""
    if key := os.environ.get("OTKLIK_SECRET_KEY"):
        return key
    if TESTING:
        return "test-only-key-" + "x" * 40
    path = DATA / "secret.key"
    if not path.exists():
        DATA.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_text()
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(48))
    return path.read_text()


def _database(url: str) -> dict[str, object]:
    """Read `sqlite:///path` or `postgresql://user:password@host:port/name?option=value`."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": parts.path[1:] if parts.path.startswith("//") or parts.path == "/:memory:" else parts.path,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
            },
        }
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": dict(parse_qsl(parts.query)),
    }


SECRET_KEY = _secret_key()
DEBUG = _flag("OTKLIK_DEBUG")
ALLOWED_HOSTS = _list("OTKLIK_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
BASE_URL = os.environ.get("OTKLIK_BASE_URL", f"http://127.0.0.1:{os.environ.get('PORT', '8000')}").rstrip("/")
CSRF_TRUSTED_ORIGINS = [BASE_URL]
# Networks of our own proxies: only what they write into X-Forwarded-For is believed.
TRUSTED_PROXIES = _list("OTKLIK_TRUSTED_PROXIES")

DATABASES = {
    "default": _database(os.environ.get("DATABASE_URL", f"sqlite:///{DATA / 'otklik.sqlite3'}")),
}

INSTALLED_APPS = [
    "otklik.config",
    "otklik.demo",
    "otklik.portal",
    "otklik.workplace",
    "otklik.api",
    "otklik.appeals",
    "otklik.channels.mail",
    "otklik.channels.pos",
    "otklik.channels.post",
    "otklik.channels.webhooks",
    "otklik.channels.site",
    "otklik.surveys",
    "otklik.hotline",
    "otklik.reception",
    "otklik.reports",
    "otklik.moving",
    "otklik.knowledge",
    "otklik.correspondence",
    "otklik.search",
    "otklik.people",
    "otklik.core",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.sitemaps",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "template_partials",
    "django_htmx",
    "csp",
    "wagtail.embeds",
    "wagtail.sites",
    "otklik.people.apps.EmployeesInsteadOfUsers",
    "wagtail.snippets",
    "wagtail.documents",
    "wagtail.images",
    "wagtail.search",
    "wagtail.admin",
    "wagtail",
    "modelcluster",
    "taggit",
    "django_tasks",
]

MIDDLEWARE = [
    "otklik.core.logs.RequestNumber",
    "otklik.config.metrics.Measured",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "otklik.core.csp.ContentPolicy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "otklik.people.entrance.Entrance",
    "otklik.knowledge.rights.TodaysRights",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "otklik.core.typed.WithoutNul",
    "otklik.core.errors.DomainErrorMiddleware",
    # The last one sees exceptions first: those of allauth lead to a page and are no defects.
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "otklik.config.urls"
WSGI_APPLICATION = "otklik.config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [PACKAGE / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "otklik.core.pages.frame",
                "otklik.core.low_vision.shown",
            ],
        },
    }
]

AUTH_USER_MODEL = "people.Employee"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "otklik.people.passwords.NotCommon"},
    {"NAME": "otklik.people.passwords.NotOfKnownWords"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/desk/"
LOGOUT_REDIRECT_URL = "/accounts/login/"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"  # letters leave through the outbox only
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "otklik.people.signin.ClosedAdapter"
ACCOUNT_SESSION_REMEMBER = False
# Failures are counted by `people.lockout`, in the database: all processes see them.
ACCOUNT_RATE_LIMITS = {"login": None, "login_failed": None}
# Signed out after so many minutes without an action of a person; what open pages ask by themselves is none.
IDLE_MINUTES = int(os.environ.get("OTKLIK_IDLE_MINUTES", "60"))
# Signed out so many hours after signing in, however busy.
SESSION_HOURS = int(os.environ.get("OTKLIK_SESSION_HOURS", "12"))

# By default only who may sign letters or keep employees must have a second factor: `people.powers.NEED_SECOND_FACTOR`.
SECOND_FACTOR_FOR_ALL = _flag("OTKLIK_SECOND_FACTOR_FOR_ALL")
MFA_ADAPTER = "otklik.people.factors.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_FORMS = {"authenticate": "otklik.people.factors.CodeForm", "reauthenticate": "otklik.people.factors.CodeAgainForm"}
MFA_TOTP_TOLERANCE = 1  # clocks of telephones go wrong: a code of half a minute before or after fits too
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_PASSKEY_LOGIN_ENABLED = True

# The department's directory: only where its address is given.
OIDC_URL = os.environ.get("OTKLIK_OIDC_URL", "").rstrip("/")
OIDC_NAME = os.environ.get("OTKLIK_OIDC_NAME", "Вход через каталог департамента")
OIDC_CLAIM = os.environ.get("OTKLIK_OIDC_CLAIM", "preferred_username")
SOCIALACCOUNT_ADAPTER = "otklik.people.openid.DirectoryAdapter"
SOCIALACCOUNT_LOGIN_ON_GET = True  # a link: the content policy lets no form lead to another host
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": "directory",
                "name": OIDC_NAME,
                "client_id": os.environ.get("OTKLIK_OIDC_CLIENT_ID", ""),
                "secret": os.environ.get("OTKLIK_OIDC_SECRET", ""),
                "settings": {"server_url": OIDC_URL},
            }
        ]
        if OIDC_URL
        else [],
    }
}

# Employees out of the department's directory (LDAP): only where its address is given. See people/ldap.py
LDAP_URL = os.environ.get("OTKLIK_LDAP_URL", "").strip()  # ldaps://host, ldap+starttls://host, ldap://host
LDAP_BASE = os.environ.get("OTKLIK_LDAP_BASE", "").strip()
LDAP_BIND_DN = os.environ.get("OTKLIK_LDAP_BIND_DN", "").strip()
LDAP_PASSWORD = _secret("OTKLIK_LDAP_PASSWORD")
LDAP_FILTER = os.environ.get("OTKLIK_LDAP_FILTER", "(objectClass=person)").strip()
LDAP_ATTRIBUTES = _list("OTKLIK_LDAP_ATTRIBUTES")  # ours=theirs: unit=departmentNumber,patronymic=middleName
LDAP_CA = os.environ.get("OTKLIK_LDAP_CA", "").strip()
if LDAP_URL and _flag("OTKLIK_LDAP_SIGN_IN"):
    AUTHENTICATION_BACKENDS.append("otklik.people.ldap.DirectoryBackend")

# Applicants sign in by a provider of their own: a broker of ЕСИА, or ЕСИА itself. See people/citizen_openid.py
CITIZEN_OIDC_URL = os.environ.get("OTKLIK_CITIZEN_OIDC_URL", "").rstrip("/")
CITIZEN_OIDC_NAME = os.environ.get("OTKLIK_CITIZEN_OIDC_NAME", "Войти через Госуслуги")
CITIZEN_OIDC_CLIENT_ID = os.environ.get("OTKLIK_CITIZEN_OIDC_CLIENT_ID", "")
CITIZEN_OIDC_SECRET = _secret("OTKLIK_CITIZEN_OIDC_SECRET")
CITIZEN_OIDC_SCOPE = os.environ.get("OTKLIK_CITIZEN_OIDC_SCOPE", "")
CITIZEN_OIDC_CONFIRMED = os.environ.get("OTKLIK_CITIZEN_OIDC_CONFIRMED", "")  # claim that must be true
# ЕСИА itself: the command that signs (stdin → detached PKCS#7), the key that checks its answers, who issues them.
CITIZEN_OIDC_SIGN_COMMAND = os.environ.get("OTKLIK_CITIZEN_OIDC_SIGN_COMMAND", "").strip()
CITIZEN_OIDC_KEY = os.environ.get("OTKLIK_CITIZEN_OIDC_KEY", "")
CITIZEN_OIDC_ISSUER = os.environ.get("OTKLIK_CITIZEN_OIDC_ISSUER", "http://esia.gosuslugi.ru/")

# Sites that may show the form of messages in a frame: https://department.example, several separated by commas.
EMBED_ORIGINS = _list("OTKLIK_EMBED_ORIGINS")

LANGUAGE_CODE = "ru"
LOCALE_PATHS = [PACKAGE / "locale"]
TIME_ZONE = os.environ.get("OTKLIK_TIME_ZONE", "Asia/Novosibirsk")
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = DATA / "static"
STATICFILES_DIRS = [PACKAGE / "static"]
MEDIA_ROOT = DATA / "media"
MEDIA_URL = "/media/"
FILES_ROOT = DATA / "files"
SEARCH_ROOT = DATA / "search"  # this machine's search indexes; made again from the database whenever they are lost
SEARCH_AT_ONCE = TESTING  # who searches sees what has just been put, and there is no indexer
# Stored files in a bucket instead: `s3://bucket/prefix?endpoint=https://…&region=…`; the folder then keeps copies.
S3_URL, S3_KEY = os.environ.get("OTKLIK_S3_URL", ""), os.environ.get("OTKLIK_S3_KEY", "")
S3_SECRET = _secret("OTKLIK_S3_SECRET")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "files": {"BACKEND": f"otklik.core.{'bucket.BucketStorage' if S3_URL else 'storage.DurableStorage'}"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if TESTING or DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
# Looked for when asked: a test opens many browsers and asks each for a page or two.
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = TESTING or DEBUG

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
HTTPS = BASE_URL.startswith("https://")
# Browsers take such a cookie from this very host over HTTPS only: no neighbour of the domain can plant one.
COOKIE_PREFIX, PATH_COOKIE_PREFIX = ("__Host-", "__Secure-") if HTTPS else ("", "")
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}sessionid", f"{COOKIE_PREFIX}csrftoken"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
MESSAGE_STORAGE = "otklik.core.pages.Messages"
INSECURE_HTTP = _flag("OTKLIK_INSECURE_HTTP")  # a closed network without certificates: said aloud, see config/safety.py
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
# Asked by a monitor on this machine, past the proxy; and programs, which are told instead of led on: a key that once
# went over the network open must be noticed.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$", r"^api/v1/"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS and _flag("OTKLIK_HSTS_SUBDOMAINS")  # a decision about the whole domain
# The product itself speaks HTTP: with HTTPS there is a proxy before it, which must set this header.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "SAMEORIGIN"

# Nothing from other hosts, no inline scripts or styles.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-src": [SELF],
        "frame-ancestors": [SELF],
    },
}
# Wagtail's admin writes scripts and styles into its pages; other hosts stay closed to it as well.
CMS_CONTENT_POLICY = CONTENT_SECURITY_POLICY["DIRECTIVES"] | {
    "script-src": [SELF, UNSAFE_INLINE],
    "style-src": [SELF, UNSAFE_INLINE],
    "img-src": [SELF, "data:", "blob:"],
}

WAGTAIL_SITE_NAME = "Отклик: База знаний"
WAGTAILADMIN_BASE_URL = BASE_URL
WAGTAILADMIN_LOGIN_URL = LOGIN_URL  # one door in: with its limits and its journal
WAGTAIL_PASSWORD_MANAGEMENT_ENABLED = False
WAGTAIL_PASSWORD_RESET_ENABLED = False
WAGTAIL_WORKFLOW_ENABLED = False  # who agrees follows from the keeper of the section: `knowledge.agreement`
WAGTAIL_EDITING_SESSION_PING_INTERVAL = 3000  # ms: who else edits is seen within that
WAGTAILADMIN_RICH_TEXT_EDITORS = {"default": {"WIDGET": "otklik.knowledge.rich_editor.RichTextArea"}}
WAGTAILADMIN_COMMENTS_ENABLED = True  # their letters go nowhere: `EMAIL_BACKEND`
WAGTAILDOCS_SERVE_METHOD = "serve_view"  # every document passes the question who may read it
WAGTAIL_I18N_ENABLED = False
WAGTAIL_ENABLE_UPDATE_CHECK = False
WAGTAIL_GRAVATAR_PROVIDER_URL = None
WAGTAILEMBEDS_FINDERS: list[dict[str, object]] = []  # nothing of other hosts: an author's link makes no request of ours
WAGTAILDOCS_DOCUMENT_FORM_BASE = "otklik.knowledge.documents.DocumentForm"  # what a file is, is asked at every door
WAGTAILDOCS_EXTENSIONS = ["pdf", "docx", "odt", "xlsx", "ods", "txt"]
WAGTAILSEARCH_BACKENDS = {"default": {"BACKEND": "wagtail.search.backends.database", "SEARCH_CONFIG": "russian"}}
TASKS = {"default": {"BACKEND": "django_tasks.backends.immediate.ImmediateBackend"}}

# Mail: `imaps://user:password@host:993/INBOX?point=code`, several separated by spaces; SMTP as one address. Further
# folders: `&folder=…`; told of new letters at once: `&idle=yes`; without a password, in both: `?auth=xoauth2`.
MAILBOXES = os.environ.get("OTKLIK_MAILBOXES", "").split()
MAIL_SECONDS = int(os.environ.get("OTKLIK_MAIL_SECONDS", "30"))
MAIL_MOST_BYTES = int(os.environ.get("OTKLIK_MAIL_MOST_MB", "150")) * 2**20  # larger letters stay in the mailbox
MAIL_TOKEN_URL = os.environ.get("OTKLIK_MAIL_TOKEN_URL", "")
MAIL_TOKEN_CLIENT = os.environ.get("OTKLIK_MAIL_TOKEN_CLIENT", "")
MAIL_TOKEN_SECRET = _secret("OTKLIK_MAIL_TOKEN_SECRET")
MAIL_TOKEN_REFRESH = _secret("OTKLIK_MAIL_TOKEN_REFRESH")
MAIL_TOKEN_SCOPE = os.environ.get("OTKLIK_MAIL_TOKEN_SCOPE", "")
MAIL_TOKEN_COMMAND = os.environ.get("OTKLIK_MAIL_TOKEN_COMMAND", "")

# The telephone exchange: listened to by `otklik exchange`, each way only where it is configured.
EXCHANGE_AMI = _secret("OTKLIK_EXCHANGE_AMI")  # ami://user:password@host:port
EXCHANGE_QUEUE_LOG = os.environ.get("OTKLIK_EXCHANGE_QUEUE_LOG", "")
EXCHANGE_SECRET = _secret("OTKLIK_EXCHANGE_SECRET")  # signs events the exchange sends by itself
EXCHANGE_CONTEXTS = frozenset(_list("OTKLIK_EXCHANGE_CONTEXTS", "from-trunk,from-pstn"))
EXCHANGE_ROBOTS = frozenset(_list("OTKLIK_EXCHANGE_ROBOTS"))
EXCHANGE_LONGEST_HOURS = int(os.environ.get("OTKLIK_EXCHANGE_LONGEST_HOURS", "4"))
SMTP_URL = os.environ.get("OTKLIK_SMTP_URL", "smtp://127.0.0.1:25")
SMTP_MOST_BYTES = int(os.environ.get("OTKLIK_SMTP_MOST_MB", "25")) * 2**20  # what servers of addressees usually take
# Within how many days after the earlier appeal one marked as repeated counts in figures.
REPEATED_DAYS = int(os.environ.get("OTKLIK_REPEATED_DAYS", "30"))
UNDO_SECONDS = int(os.environ.get("OTKLIK_UNDO_SECONDS", "30"))

# What texts mean, for search by meaning beside search by words: off, package (`otklik[encoder]`), url.
ENCODER = os.environ.get("OTKLIK_ENCODER", "off").strip().lower() or "off"
EMBEDDINGS_URL = os.environ.get("OTKLIK_EMBEDDINGS_URL", "").strip()
EMBEDDINGS_MODEL = os.environ.get("OTKLIK_EMBEDDINGS_MODEL", "").strip()
EMBEDDINGS_KEY = _secret("OTKLIK_EMBEDDINGS_KEY")

# Where `otklik backup` puts archives, and the public keys (`age1…`) that encrypt them.
BACKUPS = Path(os.environ.get("OTKLIK_BACKUPS", DATA / "backups")).resolve()
BACKUP_RECIPIENTS = _list("OTKLIK_BACKUP_RECIPIENTS")
# When a worker makes one by itself («01:30», empty: never), how many days, weeks and months are kept, one for each; the
# key that opens archives, only where the drill is to be held on this machine by itself.
BACKUP_AT = _time("OTKLIK_BACKUP_AT", "01:30")
BACKUP_DAYS = int(os.environ.get("OTKLIK_BACKUP_DAYS", "7"))
BACKUP_WEEKS = int(os.environ.get("OTKLIK_BACKUP_WEEKS", "4"))
BACKUP_MONTHS = int(os.environ.get("OTKLIK_BACKUP_MONTHS", "12"))
BACKUP_IDENTITY = os.environ.get("OTKLIK_BACKUP_IDENTITY", "").strip()

# Faults that only the surroundings show: the certificate of the address (a file, or asked of the address itself), and
# after how many hours without a letter the mail is looked at (0: what is usual is learnt, see «Каналы»).
TLS_CERTIFICATE = os.environ.get("OTKLIK_TLS_CERTIFICATE", "").strip()
MAIL_SILENT_HOURS = int(os.environ.get("OTKLIK_MAIL_SILENT_HOURS", "0"))

# Limits of what people and letters may bring, in bytes.
UPLOAD_MAX_BYTES = int(os.environ.get("OTKLIK_UPLOAD_MAX_MB", "20")) * 1024 * 1024
WAGTAILDOCS_MAX_UPLOAD_SIZE = UPLOAD_MAX_BYTES
UPLOAD_MAX_FILES = int(os.environ.get("OTKLIK_UPLOAD_MAX_FILES", "10"))

# Looks into files that come from outside: tcp://host:3310 or unix:/run/clamav/clamd.ctl; empty: no antivirus.
# Where the lists of the government's СЭД are put for us; empty: nowhere.
SED_FOLDER = os.environ.get("OTKLIK_SED_FOLDER", "").strip()
CLAMD = os.environ.get("OTKLIK_CLAMD", "").strip()

# Who may read `/metrics`: networks, or whoever sends the token as `Authorization: Bearer …`.
METRICS_FROM = _list("OTKLIK_METRICS_FROM", "127.0.0.1,::1")
METRICS_TOKEN = os.environ.get("OTKLIK_METRICS_TOKEN", "")
SERVER_TIMING = _flag("OTKLIK_SERVER_TIMING")  # every answer says what its time was made of: for measurements

# Click-to-call: the exchange's address, `{extension}`, `{number}`, `{at}`, `{signature}` filled in; empty: `tel:`.
EXCHANGE_DIAL = _secret("OTKLIK_EXCHANGE_DIAL")  # an address of AMI has a password in it
EXCHANGE_DIAL_SECRET = os.environ.get("OTKLIK_EXCHANGE_DIAL_SECRET", "")  # without it nothing is dialled

# Webhooks may go to addresses inside these networks, although they are nobody's on the internet: 10.20.0.0/16
WEBHOOK_NETWORKS = _list("OTKLIK_WEBHOOK_NETWORKS")

LOG_FORMAT = "json" if os.environ.get("OTKLIK_LOG_FORMAT") == "json" else "line"
# By one access key, all processes together.
API_REQUESTS_A_MINUTE = int(os.environ.get("OTKLIK_API_REQUESTS_A_MINUTE", "6000"))

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s [%(request_number)s]: %(message)s"},
        "json": {"()": "otklik.core.logs.JsonLines"},
    },
    "filters": {
        "no_rows": {"()": "otklik.core.logs.WithoutRows"},
        "numbered": {"()": "otklik.core.logs.Numbered"},
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["no_rows", "numbered"]}
    },
    "loggers": {name: {"level": "WARNING"} for name in ("django_tasks", "wagtail", "modelsearch")},
    "root": {"handlers": ["stderr"], "level": os.environ.get("OTKLIK_LOG_LEVEL", "INFO")},
}
