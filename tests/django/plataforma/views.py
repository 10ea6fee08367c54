# The API's behaviour, the bugs that clients meet included.
import datetime
import secrets

from django.conf import settings
from django.utils import timezone
from rest_framework import filters, status, viewsets
from rest_framework.decorators import action, api_view, permission_classes
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from . import models, people
from . import serializers as as_json


class Base(viewsets.ModelViewSet):
    """Filters are not checked (a word for a number is a 500), unknown ones are ignored."""
    filter_backends = [filters.SearchFilter, filters.OrderingFilter]
    permission_classes = [people.Mqtt]
    equal = ()
    presence = {}
    detail_serializer = None

    def get_permissions(self):
        return [IsAuthenticated()] + super().get_permissions()

    def get_queryset(self):
        rows = self.queryset.all()
        if settings.QUIRKS["shuffle"]:
            rows = rows.order_by("?")
        if settings.QUIRKS["unfiltered"]:
            return rows
        for name in self.equal:
            if name in self.request.query_params:
                rows = rows.filter(**{name: self.request.query_params[name]})
        for name, condition in self.presence.items():
            if name in self.request.query_params:
                rows = rows.filter(**condition)
        return rows

    def filter_queryset(self, queryset):
        if settings.QUIRKS["unfiltered"] and self.action == "list":
            return queryset
        if settings.QUIRKS["unordered"]:
            return queryset.order_by("?")
        rows = super().filter_queryset(queryset)
        return rows.order_by(*rows.query.order_by, "?") if settings.QUIRKS["shuffle"] else rows

    def get_serializer(self, *args, **given):
        if settings.QUIRKS["ignore"] in given.get("data", ()):
            given["data"] = {**given["data"]}
            del given["data"][settings.QUIRKS["ignore"]]
        return super().get_serializer(*args, **given)

    def get_serializer_class(self):
        if self.action == "retrieve" and self.detail_serializer:
            return self.detail_serializer
        return self.serializer_class


ACTIVE = {"active_only": {"is_active": True}}


class Brokers(Base):
    queryset = models.Broker.objects
    serializer_class = as_json.Broker
    equal, presence = ("protocol",), ACTIVE
    search_fields, ordering_fields = ["nombre", "host"], ["nombre", "created_at"]

    def switch(self, active, word):
        broker = self.get_object()
        broker.is_active = active
        broker.save()
        return Response({"message": f"Broker {broker.nombre} {word} exitosamente"})

    @action(detail=True, methods=["post"])
    def activate(self, request, pk=None):
        return self.switch(True, "activado")

    @action(detail=True, methods=["post"])
    def deactivate(self, request, pk=None):
        return self.switch(False, "desactivado")


class Topics(Base):
    queryset = models.Topic.objects
    serializer_class = as_json.Topic
    equal = ("tipo", "qos")
    search_fields = ["nombre", "topic_pattern", "descripcion"]
    ordering_fields = ["nombre", "created_at"]

    def bare(self, *kinds):
        rows = self.queryset.filter(tipo__in=kinds)
        return Response(self.serializer_class(rows, many=True).data)

    @action(detail=False)
    def publish_topics(self, request):
        return self.bare("publish", "both")

    @action(detail=False)
    def subscribe_topics(self, request):
        return self.bare("subscribe", "both")


class Credentials(Base):
    queryset = models.Credential.objects
    serializer_class = as_json.Credential
    permission_classes = [people.Credentials]
    equal, presence = ("dispositivo",), ACTIVE
    search_fields = ["client_id", "username", "dispositivo__nombre"]
    ordering_fields = ["created_at"]

    def get_serializer_class(self):
        if self.action == "retrieve" and self.request.user.is_superuser:
            return as_json.OpenCredential
        return self.serializer_class


class Configs(Base):
    queryset = models.Config.objects
    serializer_class = as_json.Config
    detail_serializer = as_json.ConfigDetail
    equal, presence = ("dispositivo", "broker", "connection_status"), ACTIVE
    search_fields = ["dispositivo__nombre", "broker__nombre"]
    ordering_fields = ["last_connection", "created_at"]

    @action(detail=True, methods=["post"])
    def update_connection_status(self, request, pk=None):
        config, state = self.get_object(), request.data.get("status")
        if state not in dict(models.LINKS):
            return Response({"error": "Estado invalido. Use: connected, disconnected o error"},
                            status=400)
        config.connection_status = state
        if state == "connected":
            config.last_connection = timezone.now()
        config.save()
        device = config.dispositivo
        device.connection_status = "online" if state == "connected" else "offline"
        device.last_seen = config.last_connection
        device.save()
        return Response({"message": "Estado de conexion actualizado",
                         "config": self.serializer_class(config).data})


class EmqxUsers(Base):
    queryset = models.EmqxUser.objects
    serializer_class = as_json.EmqxUser
    detail_serializer = as_json.EmqxUserDetail
    equal = ("dispositivo",)
    search_fields = ["username", "dispositivo__nombre"]
    ordering_fields = ["username", "created"]

    @action(detail=True)
    def credentials(self, request, pk=None):
        user = self.get_object()
        return Response({
            "username": user.username, "password_hash": user.password_hash, "salt": user.salt,
            "is_superuser": user.is_superuser,
            "dispositivo": user.dispositivo.nombre if user.dispositivo else None,
            "created": user.created.astimezone(datetime.timezone.utc).isoformat().replace("+00:00", "Z")})

    @action(detail=True, methods=["post"])
    def change_password(self, request, pk=None):
        user, password = self.get_object(), request.data.get("password")
        if not password:
            return Response({"error": 'Se requiere el campo "password"'}, status=400)
        if len(password) < 8:
            return Response({"error": "La contraseña debe tener al menos 8 caracteres"},
                            status=400)
        user.set_password(password)
        user.save()
        return Response({"message": f"Contraseña actualizada exitosamente para {user.username}"})

    @action(detail=False, methods=["post"])
    def create_with_acl(self, request):
        errors = {}
        for i, rule in enumerate(request.data.get("acl_rules", [])):
            for field in ("permission", "action", "topic"):
                if field not in rule:
                    errors[str(i)] = [f"Cada regla ACL debe tener el campo '{field}'"]
        if errors:
            return Response({"acl_rules": errors}, status=400)
        user = models.EmqxUser(username=request.data["username"],
                               dispositivo_id=request.data.get("dispositivo_id"))
        user.set_password(request.data["password"])
        user.save()
        for rule in request.data.get("acl_rules", []):
            models.EmqxAcl.objects.create(username=user.username, emqx_user=user, **rule)
        return Response(as_json.EmqxUserDetail(user).data, status=201)


class EmqxAcls(Base):
    queryset = models.EmqxAcl.objects
    serializer_class = as_json.EmqxAcl
    equal = ("username", "action", "permission", "emqx_user")
    search_fields, ordering_fields = ["username", "topic"], ["username", "topic", "created_at"]


class Users(Base):
    queryset = models.User.objects.order_by("id")
    serializer_class = as_json.User
    permission_classes = [people.Users]
    search_fields = ["username", "email", "first_name", "last_name"]
    ordering_fields = ["username", "created_at", "last_login"]

    def get_permissions(self):
        return [IsAuthenticated()] if self.action == "me" else super().get_permissions()

    def get_serializer_class(self):
        return as_json.LongUser if self.action in ("list", "retrieve") else as_json.User

    @action(detail=False)
    def me(self, request):
        return Response(as_json.LongUser(request.user).data)


class Roles(Base):
    queryset = models.Rol.objects.order_by("id")
    serializer_class = as_json.Rol
    permission_classes = [people.Users]


class Devices(Base):
    queryset = models.Device.objects
    serializer_class = as_json.Device
    permission_classes = [people.Devices]
    equal = ("tipo", "estado", "connection_status")
    search_fields = ["nombre", "tipo", "identificador_unico", "ubicacion"]
    ordering_fields = ["nombre", "tipo", "created_at"]

    def get_queryset(self):
        rows = super().get_queryset()
        if "mqtt_enabled" in self.request.query_params and not settings.QUIRKS["unfiltered"]:
            rows = rows.filter(mqtt_enabled=self.request.query_params["mqtt_enabled"].lower() in
                               ("true", "1", "yes"))
        if people.role(self.request.user) == "operador":
            rows = rows.filter(operador_asignado=self.request.user)
        return rows

    def perform_create(self, serializer):
        """Every device becomes an EMQX user with rules, whatever was sent."""
        device = serializer.save()
        name = device.identificador_unico
        user = models.EmqxUser(username=f"device_{name}", dispositivo=device)
        user.set_password(secrets.token_hex(8))
        user.save()
        device.mqtt_client_id, device.mqtt_enabled = user.username, True
        device.save()
        for permission, act, topic, qos, retain in [
                ("allow", "publish", f"iot/sensors/{name}/#", 1, 0),
                ("allow", "publish", f"iot/devices/{name}/status", 1, 1),
                ("allow", "subscribe", f"iot/commands/{name}/#", 1, None),
                ("allow", "subscribe", f"iot/config/{name}/#", 1, None),
                ("deny", "all", "#", None, None)]:
            models.EmqxAcl.objects.create(
                username=user.username, permission=permission, action=act, topic=topic,
                qos=qos, retain=retain, emqx_user=user)

    def perform_destroy(self, device):
        models.EmqxAcl.objects.filter(emqx_user__dispositivo=device).delete()
        device.delete()

    @action(detail=True, methods=["post"])
    def assign_sensor(self, request, pk=None):
        device = self.get_object()
        sensor = models.Sensor.objects.filter(id=request.data.get("sensor_id")).first()
        if sensor is None:
            return Response({"sensor_id": ["El sensor no existe."]}, status=400)
        row, made = models.Assignment.objects.get_or_create(dispositivo=device, sensor=sensor)
        if not made:
            return Response({"error": "El sensor ya esta asignado a este dispositivo"},
                            status=400)
        return Response({"message": "Sensor asignado exitosamente",
                         "asignacion": as_json.Assignment(row).data}, status=201)

    @action(detail=True, methods=["delete"])
    def remove_sensor(self, request, pk=None):
        gone, _ = models.Assignment.objects.filter(
            dispositivo=self.get_object(),
            sensor_id=request.query_params.get("sensor_id")).delete()
        if not gone:
            return Response({"error": "La asignacion no existe"}, status=404)
        return Response({"message": "Sensor removido exitosamente"})


class Sensors(Base):
    queryset = models.Sensor.objects
    serializer_class = as_json.Sensor
    permission_classes = [people.Devices]
    equal = ("tipo", "estado")
    presence = {"mqtt_enabled": {"mqtt_topic_suffix__gt": ""}}
    search_fields = ["nombre", "tipo", "descripcion"]
    ordering_fields = ["nombre", "tipo", "created_at"]


class Readings(Base):
    queryset = models.Reading.objects
    serializer_class = as_json.Reading
    permission_classes = [people.Devices]
    equal = ("dispositivo", "sensor")
    presence = {"mqtt_only": {"mqtt_message_id__isnull": False}}
    filter_backends = [filters.OrderingFilter]
    ordering_fields = ["timestamp"]

    def get_queryset(self):
        rows, asked = super().get_queryset(), self.request.query_params
        if settings.QUIRKS["unfiltered"]:
            return rows
        if "fecha_inicio" in asked:
            rows = rows.filter(timestamp__gte=asked["fecha_inicio"])
        if "fecha_fin" in asked:
            rows = rows.filter(timestamp__lte=asked["fecha_fin"])
        return rows

    @action(detail=False, methods=["post"])
    def bulk(self, request):
        serializer = as_json.Bulk(data=request.data)
        serializer.is_valid(raise_exception=True)
        rows = [models.Reading(**{"timestamp": timezone.now(), **v})
                for v in serializer.validated_data["lecturas"]]
        models.Reading.objects.bulk_create(rows)
        return Response({"message": f"{len(rows)} lecturas creadas exitosamente",
                         "count": len(rows)}, status=201)


class Login(APIView):
    permission_classes = [AllowAny]

    def post(self, request):
        serializer = people.Login(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response(serializer.answer())


@api_view(["GET"])
def device_status(request):
    rows = models.Device.objects.filter(mqtt_enabled=True)
    total = rows.count()
    count = {s: rows.filter(connection_status=s).count() for s in ("online", "offline", "error")}
    share = round(100 * count["online"] / total, 2) if total else 0
    return Response(dict({"total_mqtt_devices": total}, **count, percentage_online=share))


@api_view(["POST"])
@permission_classes([IsAuthenticated, people.Mqtt])
def test_connection(request):
    broker = models.Broker.objects.filter(id=request.data.get("broker_id"), is_active=True).first()
    if broker is None:
        return Response({"broker_id": ["El broker no existe o no esta activo."]},
                        status=status.HTTP_400_BAD_REQUEST)
    return Response({"success": True,
                     "message": f"Conexion al broker {broker.nombre} exitosa"})


@api_view(["POST"])
def long_lived(request):
    """Not the platform's: how a test gets a token without end."""
    token = models.LongLivedToken.objects.create(key=secrets.token_hex(20), user=request.user)
    return Response({"token": token.key}, status=201)
