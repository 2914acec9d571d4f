"""How gunicorn serves the site, however it is started: `--config python:biofors_site.gunicorn_config`."""

import os

from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "biofors_site.settings")

# For all that is not classified: with more threads than places in line, a refusal and a page are immediate.
PAGE_THREADS = 12

wsgi_app = "biofors_site.wsgi"
worker_class = "biofors_site.web_worker.PatientWorker"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = settings.CLASSIFY_AT_WORK + settings.CLASSIFY_WAITING + PAGE_THREADS
# An idle connection costs no thread; closed while its client waits for Retry-After, it looks like a fault.
keepalive = 75
worker_connections = 800
timeout = 120
graceful_timeout = 10
control_socket_disable = True
