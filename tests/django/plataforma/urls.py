from django.conf import settings
from django.http import Http404
from django.urls import include, path
from rest_framework.routers import SimpleRouter
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView

from . import views

router = SimpleRouter()
for name, view in [("mqtt/brokers", views.Brokers), ("mqtt/topics", views.Topics),
                   ("mqtt/credentials", views.Credentials),
                   ("mqtt/device-config", views.Configs), ("mqtt/emqx-users", views.EmqxUsers),
                   ("mqtt/emqx-acl", views.EmqxAcls), ("users", views.Users),
                   ("roles", views.Roles), ("devices", views.Devices),
                   ("sensors", views.Sensors), ("readings", views.Readings)]:
    router.register(name, view)


def nothing(request):
    raise Http404


login = [path("api/auth/login/", views.Login.as_view()),
         path("api/auth/refresh/", TokenRefreshView.as_view(permission_classes=[]))]
if settings.QUIRKS["token"]:
    login = [path("api/token/", TokenObtainPairView.as_view(permission_classes=[])),
             path("api/token/refresh/", TokenRefreshView.as_view(permission_classes=[]))]
if settings.QUIRKS["nome"]:
    login.append(path("api/users/me/", nothing))

urlpatterns = login + [
    path("api/long-lived/", views.long_lived),
    path("api/mqtt/device-status/", views.device_status),
    path("api/mqtt/test-connection/", views.test_connection),
    path("api/", include(router.urls)),
]
