# What a test sees of the requests, and what it makes of them.
import os
import socket
import threading
import time

from django.conf import settings
from django.core.servers.basehttp import WSGIRequestHandler
from django.http import HttpResponse

lock = threading.Lock()
writing = threading.Lock()


class Handler(WSGIRequestHandler):
    """Tells the application which connection a request came on."""

    # Head and body go out in two writes: the second must not wait for the first's acknowledgement.
    disable_nagle_algorithm = True

    def get_environ(self):
        return dict(super().get_environ(), **{"tests.connection": self.connection})

    def log_message(self, *args):
        pass


def fault(method, path):
    """The first line of FAULTS that is for this request, taken out of the file."""
    with lock:
        if not os.path.exists(settings.FAULTS):
            return None
        with open(settings.FAULTS) as lines:
            faults = lines.read().splitlines()
        for i, line in enumerate(faults):
            words = line.split()
            if len(words) == 3 and words[0] == method and path.startswith(words[1]):
                with open(settings.FAULTS, "w") as out:
                    out.write("".join(f + "\n" for f in faults[:i] + faults[i + 1:]))
                return words[2]
    return None


def change(what):
    """delete=MODEL:FIELD:VALUE, copy=MODEL:FIELD:VALUE"""
    from django.apps import apps
    from django.utils import timezone

    verb, _, rest = what.partition("=")
    model, field, value = rest.split(":")
    rows = apps.get_model("plataforma", model).objects
    if verb == "delete":
        rows.filter(**{field: value}).delete()
        return
    row = rows.order_by("pk").first()
    row.pk = None
    for one in row._meta.fields:
        if one.unique and one.null:
            setattr(row, one.name, None)
        if one.name == "created_at":
            row.created_at = timezone.now()
    setattr(row, field, value)
    row.save(force_insert=True)


class Log:
    def __init__(self, answer):
        self.answer = answer

    def one_write(self, request):
        """SQLite refuses a second writer at once where PostgreSQL lets it wait."""
        if request.method in ("GET", "HEAD", "OPTIONS"):
            return self.answer(request)
        with writing:
            return self.answer(request)

    def __call__(self, request):
        path, connection = request.get_full_path(), request.environ["tests.connection"]
        peer = connection.getpeername()[1]
        what = fault(request.method, path)
        time.sleep(int(settings.QUIRKS["wait"]) / 1000)
        if what == "drop":
            response = HttpResponse(status=499)
        elif what == "slow":
            time.sleep(2)
            response = self.one_write(request)
        elif what is not None and what.startswith("302="):
            response = HttpResponse(status=302)
            response["Location"] = what[4:]
        elif what is not None and what.startswith(("delete=", "copy=")):
            response = self.one_write(request)
            change(what)
        elif what is not None and what != "lose":
            status, _, after = what.partition("/")
            response = HttpResponse("<h1>Server Error</h1>", status=int(status))
            if after:
                response["Retry-After"] = after
        else:
            response = self.one_write(request)
        user = getattr(request, "user", None)
        with lock, open(settings.REQUEST_LOG, "a") as log:
            print(request.method, path, what if what in ("drop", "lose") else response.status_code,
                  user.username if user is not None and user.is_authenticated else "-", peer,
                  file=log)
        if what in ("drop", "lose"):
            connection.shutdown(socket.SHUT_RDWR)
        if "Content-Length" not in response and not response.streaming:
            response["Content-Length"] = str(len(response.content))
        return response
