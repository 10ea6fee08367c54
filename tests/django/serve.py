#!/usr/bin/python3
# A Django REST Framework backend with the platform's resources and habits, for tests: the guide's
# models, es-mx texts, local times without zone, four shapes of errors. Django's own development
# server, on a free loopback port whose URL goes to a file.
#
#	serve.py --db FILE --url-file FILE [--log FILE] [QUIRK[=VALUE]]...
#
# QUIRKs: pages=page|limit|cursor|none, size=N, debug, access=SECONDS, throttle=N/second, next=URL
# (what the server takes for its own address), rotate (a refresh token is good once), shuffle (no
# order but the one asked for, and rows that are equal in it come as they like, as of a database),
# ignore=FIELD (what a request says of it is not looked at), dated (a reading keeps the timestamp it is
# sent with), unfiltered (lists are whole, whatever they are asked for), unordered (no order at all, with shuffle),
# last_login (a login over the API sets it), zone=NAME (of times, which name none), token (the login is simplejwt's
# own, at /api/token/), nome (there is no /api/users/me/), wait=MS (each answer takes so much longer, as from a
# database or a network far away), places (errors of a list by place, as since Django REST Framework 3.18).
# The log has a line a request: METHOD PATH STATUS USER CONNECTION. Lines of the file FAULTS next
# to the database, each used once: "METHOD PATH-PREFIX WHAT", WHAT being drop (the connection ends
# before the request is looked at), lose (it ends when the work is done), slow (2 s later), a status,
# STATUS/RETRY-AFTER, 302=URL, or what happens to the table as soon as the answer is made, before the next page is
# asked for: delete=MODEL:FIELD:VALUE, or copy=MODEL:FIELD:VALUE (of its first row, with this value).
import argparse
import datetime
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

QUIRKS = {"pages": "page", "size": "50", "debug": "", "access": "3600", "throttle": "",
          "next": "", "rotate": "", "shuffle": "", "ignore": "", "dated": "",
          "unfiltered": "", "unordered": "", "last_login": "", "zone": "America/Mexico_City",
          "token": "", "nome": "", "wait": "0", "places": ""}


def settings(options, quirks):
    from django.conf import settings as django

    pagers = {"page": "plataforma.pages.Pages", "limit": "plataforma.pages.Limits",
              "cursor": "plataforma.pages.Cursor", "none": None}
    apps = ["django.contrib.contenttypes", "django.contrib.auth", "rest_framework",
            "django_filters", "plataforma"]
    if quirks["rotate"]:
        apps.append("rest_framework_simplejwt.token_blacklist")
    django.configure(
        DEBUG=bool(quirks["debug"]), SECRET_KEY="only-for-tests", INSTALLED_APPS=apps,
        ALLOWED_HOSTS=["127.0.0.1", "localhost"], ROOT_URLCONF="plataforma.urls",
        AUTH_USER_MODEL="plataforma.User", USE_TZ=True, TIME_ZONE=quirks["zone"],
        LANGUAGE_CODE="es-mx", USE_I18N=True, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        MIDDLEWARE=["plataforma.middleware.Log", "django.middleware.common.CommonMiddleware"],
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates",
                    "APP_DIRS": True}],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": options.db,
                               "OPTIONS": {"timeout": 20}}},
        MIGRATION_MODULES={a.rsplit(".", 1)[-1]: None for a in apps},
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        LOGGING_CONFIG=None, QUIRKS=quirks, REQUEST_LOG=options.log,
        FAULTS=os.path.join(os.path.dirname(os.path.abspath(options.db)), "FAULTS"),
        REST_FRAMEWORK={
            "DEFAULT_AUTHENTICATION_CLASSES": ["plataforma.people.LongLived",
                                               "rest_framework_simplejwt.authentication.JWTAuthentication"],
            "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
            "DEFAULT_PAGINATION_CLASS": pagers[quirks["pages"]],
            "PAGE_SIZE": int(quirks["size"]),
            "EXCEPTION_HANDLER": "plataforma.errors.handler",
            "DATETIME_FORMAT": "%Y-%m-%d %H:%M:%S",
            "DATETIME_INPUT_FORMATS": ["iso-8601", "%Y-%m-%d %H:%M:%S"],
            "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.UserRateThrottle"]
            if quirks["throttle"] else [],
            "DEFAULT_THROTTLE_RATES": {"user": quirks["throttle"] or None},
            "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"]},
        SIMPLE_JWT={"ACCESS_TOKEN_LIFETIME": datetime.timedelta(seconds=float(quirks["access"])),
                    "ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True})


def people():
    from plataforma.models import Rol, User

    roles = {n: Rol.objects.create(nombre=n) for n in ("superusuario", "operador", "solo_lectura")}
    User.objects.create_superuser("admin", "admin@example.org", "admin-password")
    User.objects.create_user("operador", "op@example.org", "operador-password",
                             rol=roles["operador"])
    User.objects.create_user("lector", "lector@example.org", "lector-password",
                             rol=roles["solo_lectura"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--db", required=True)
    parser.add_argument("--url-file", required=True)
    parser.add_argument("--log", default=os.devnull)
    parser.add_argument("quirk", nargs="*")
    options = parser.parse_args()
    quirks = dict(QUIRKS)
    for word in options.quirk:
        name, _, value = word.partition("=")
        if name not in quirks:
            sys.exit(f"serve.py: no quirk '{name}'; there are {', '.join(quirks)}")
        quirks[name] = value or "yes"
    settings(options, quirks)

    import django
    django.setup()
    if not quirks["rotate"]:
        # At each refresh simplejwt 5.5.0 writes into a table that it has only with its application.
        from rest_framework_simplejwt.tokens import RefreshToken
        RefreshToken.outstand = lambda self: None
    from django.core.management import call_command
    from django.core.servers.basehttp import ThreadedWSGIServer
    from django.core.wsgi import get_wsgi_application
    from plataforma.middleware import Handler

    from django.db.backends.signals import connection_created

    def like_a_server(connection, **kwargs):
        """Readers and the one who writes go on beside each other, as in PostgreSQL; a test's data may be lost."""
        connection.cursor().execute("PRAGMA journal_mode=WAL")
        connection.cursor().execute("PRAGMA synchronous=OFF")

    connection_created.connect(like_a_server)
    new = not os.path.exists(options.db)
    call_command("migrate", run_syncdb=True, verbosity=0)
    if new:
        people()
    server = ThreadedWSGIServer(("127.0.0.1", 0), Handler)
    server.set_app(get_wsgi_application())
    with open(options.url_file + ".new", "w") as out:
        print(f"http://127.0.0.1:{server.server_port}", file=out)
    os.rename(options.url_file + ".new", options.url_file)
    server.serve_forever()


if __name__ == "__main__":
    main()
