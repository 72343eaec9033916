"""The WSGI entry of the web process."""

import os

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "levqor.settings")
if not settings.SECRET_KEY_IS_SET:
    raise ImproperlyConfigured("SECRET_KEY is not set. Set it in the environment, or start `make run`.")
application = get_wsgi_application()

# After Django is set up. Only a web process writes down what it counted by a thread of its own.
from monitoring.services.metering import METER  # noqa: E402

METER.writes_itself = True
