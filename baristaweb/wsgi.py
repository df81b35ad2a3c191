"""The web process: `gunicorn baristaweb.wsgi`. In production it refuses to start with weak values."""

import os

from django.core.wsgi import get_wsgi_application

from baristaweb.checks import refuse_weak_values

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "baristaweb.settings")
application = get_wsgi_application()
refuse_weak_values()
