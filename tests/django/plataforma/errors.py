# Errors of a list of items, as Django REST Framework 3.18 has them: an object with the places of the bad ones. Before, a
# list with {} for each that is good.
from django.conf import settings
from rest_framework.views import exception_handler


def handler(exc, context):
    answer = exception_handler(exc, context)
    if answer is not None and settings.QUIRKS["places"] and isinstance(answer.data, dict):
        for name, errors in answer.data.items():
            if isinstance(errors, list) and any(isinstance(e, dict) for e in errors):
                answer.data[name] = {str(i): e for i, e in enumerate(errors) if e}
    return answer
