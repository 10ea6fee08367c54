# The pages that backends of this framework send.
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from rest_framework import pagination
from rest_framework.exceptions import NotFound


def outside(link):
    """The link as a server sees it that takes another address for its own."""
    if not link or not settings.QUIRKS["next"]:
        return link
    here, there = urlsplit(link), urlsplit(settings.QUIRKS["next"])
    return urlunsplit((there.scheme, there.netloc, there.path.rstrip("/") + here.path,
                       here.query, ""))


class Links:
    def get_next_link(self):
        return outside(super().get_next_link())

    def get_previous_link(self):
        return outside(super().get_previous_link())


class Pages(Links, pagination.PageNumberPagination):
    last_page_strings = ("last",)

    def paginate_queryset(self, queryset, request, view=None):
        try:
            return super().paginate_queryset(queryset, request, view)
        except NotFound:
            raise NotFound("Página inválida.")


class Limits(Links, pagination.LimitOffsetPagination):
    pass


class Cursor(Links, pagination.CursorPagination):
    def get_ordering(self, request, queryset, view):
        asked = request.query_params.get("ordering", "").split(",")
        known = getattr(view, "ordering_fields", ())
        return (*(term for term in asked if term.lstrip("-") in known), "id")
