"""The web server's entry: Django under WSGI."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "beffroi.site.settings")

application = get_wsgi_application()
