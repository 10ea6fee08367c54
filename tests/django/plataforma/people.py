# Who may come in, and what each may do.
from rest_framework import authentication, exceptions, permissions, serializers
from rest_framework_simplejwt.tokens import RefreshToken
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.models import update_last_login

from .models import LongLivedToken


class LongLived(authentication.BaseAuthentication):
    """Tokens without end, beside the JWTs and under the same word."""

    def authenticate(self, request):
        words = request.META.get("HTTP_AUTHORIZATION", "").split()
        if len(words) != 2 or words[0] != "Bearer" or words[1].count(".") == 2:
            return None
        token = LongLivedToken.objects.filter(key=words[1]).select_related("user").first()
        if token is None:
            raise exceptions.AuthenticationFailed(
                {"detail": "El token dado no es valido para ningun tipo de token",
                 "code": "token_not_valid"})
        request._request.user = token.user
        return token.user, token

    def authenticate_header(self, request):
        return 'Bearer realm="api"'


def role(user):
    return user.rol.nombre if user.rol else None


class Mqtt(permissions.BasePermission):
    message = "Solo los superusuarios pueden gestionar la configuración MQTT."

    def has_permission(self, request, view):
        if request.user.is_superuser:
            return True
        return (request.method in permissions.SAFE_METHODS and
                role(request.user) in ("operador", "superusuario"))


class Credentials(permissions.BasePermission):
    message = "No tiene permisos para ver credenciales MQTT."

    def has_permission(self, request, view):
        return request.user.is_superuser or role(request.user) == "operador"


class Devices(permissions.BasePermission):
    message = "No tiene permisos para gestionar dispositivos."

    def has_permission(self, request, view):
        return (request.method in permissions.SAFE_METHODS or request.user.is_superuser or
                role(request.user) == "operador")


class Users(permissions.BasePermission):
    message = "Solo los superusuarios pueden gestionar usuarios."

    def has_permission(self, request, view):
        return request.user.is_superuser


class Login(serializers.Serializer):
    username = serializers.CharField()
    password = serializers.CharField()

    def validate(self, values):
        user = authenticate(**values)
        if user is None:
            raise serializers.ValidationError(
                "No se puede iniciar sesión con las credenciales proporcionadas.")
        return {"user": user}

    def answer(self):
        user = self.validated_data["user"]
        if settings.QUIRKS["last_login"]:
            update_last_login(None, user)
        refresh = RefreshToken.for_user(user)
        return {"user": {"id": user.id, "username": user.username, "rol_detail": {
                    "id": 1, "nombre": role(user), "permisos": []}},
                "refresh": str(refresh), "access": str(refresh.access_token),
                "message": "Login exitoso"}
