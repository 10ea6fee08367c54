"""The backend of tests/django for gunicorn, with a database that is as durable as iotapi's: DJANGO_DB=FILE."""
import os, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "django"))
sys.dont_write_bytecode = True
import serve


class Options:
    db = os.environ["DJANGO_DB"]
    log = os.devnull


serve.settings(Options, dict(serve.QUIRKS))
import django
from django.conf import settings

settings.MIDDLEWARE.remove("plataforma.middleware.Log")  # the log and the faults of tests
django.setup()
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.db.backends.signals import connection_created


def durable(connection, **kwargs):
    connection.cursor().execute("PRAGMA journal_mode=WAL")
    connection.cursor().execute("PRAGMA synchronous=FULL")


connection_created.connect(durable)
if os.environ.get("DJANGO_MAKE"):
    call_command("migrate", run_syncdb=True, verbosity=0)
    serve.people()
application = get_wsgi_application()
