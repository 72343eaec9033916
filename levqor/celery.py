"""The Celery application. `celery -A levqor worker`, `celery -A levqor beat`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "levqor.settings")

app = Celery("levqor", task_cls="tenancy.celery:ScopedTask")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
