"""The web process: `gunicorn baristaweb.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "baristaweb.settings")
application = get_wsgi_application()
