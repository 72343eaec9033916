"""The portal's top floor. Importing it makes the Celery application the current one."""

from levqor.celery import app

__all__ = ["app"]
