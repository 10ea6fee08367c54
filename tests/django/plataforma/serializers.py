# Each resource as JSON.
from rest_framework import serializers

from . import models


def display(name):
    return serializers.CharField(source=f"get_{name}_display", read_only=True)


def of(cls, what, **extra):
    meta = type("Meta", (), dict({"model": cls, "fields": "__all__"}, **extra))
    return type(cls.__name__ + "Serializer", (serializers.ModelSerializer,),
                dict(what, Meta=meta))


SECRET = {"password": {"write_only": True}}

Permiso = of(models.Permiso, {})
Rol = of(models.Rol, {
    "nombre_display": display("nombre"), "permisos": Permiso(many=True, read_only=True),
    "permisos_ids": serializers.PrimaryKeyRelatedField(
        source="permisos", many=True, write_only=True, required=False,
        queryset=models.Permiso.objects.all())})
Broker = of(models.Broker, {"protocol_display": display("protocol")}, extra_kwargs=SECRET)
Topic = of(models.Topic, {"tipo_display": display("tipo"), "qos_display": display("qos")})


class User(serializers.ModelSerializer):
    class Meta:
        model = models.User
        fields = ["id", "username", "email", "password", "first_name", "last_name",
                  "tipo_usuario", "is_active", "rol", "telegram_username",
                  "telegram_notifications_enabled"]
        extra_kwargs = {"password": {"write_only": True, "required": False}}

    def save(self, **more):
        password = self.validated_data.pop("password", None)
        user = super().save(**more)
        if password is not None:
            user.set_password(password)
            user.save()
        return user


class LongUser(User):
    tipo_usuario_display = display("tipo_usuario")
    full_name = serializers.CharField(source="get_full_name", read_only=True)
    rol_detail = Rol(source="rol", read_only=True)

    class Meta(User.Meta):
        fields = [f for f in User.Meta.fields if f != "password"] + [
            "tipo_usuario_display", "full_name", "is_staff", "is_superuser", "rol_detail",
            "created_at", "updated_at", "last_login"]


class Sensor(serializers.ModelSerializer):
    tipo_display = display("tipo")
    estado_display = display("estado")

    class Meta:
        model = models.Sensor
        fields = "__all__"

    def validate(self, values):
        low = values.get("rango_min", getattr(self.instance, "rango_min", None))
        high = values.get("rango_max", getattr(self.instance, "rango_max", None))
        if low is not None and high is not None and low >= high:
            raise serializers.ValidationError(
                "El rango minimo debe ser menor que el rango maximo.")
        return values


Assignment = of(models.Assignment, {
    "dispositivo_nombre": serializers.CharField(source="dispositivo.nombre", read_only=True),
    "sensor_nombre": serializers.CharField(source="sensor.nombre", read_only=True),
    "sensor_detail": Sensor(source="sensor", read_only=True)})


class Device(serializers.ModelSerializer):
    tipo_display = display("tipo")
    estado_display = display("estado")
    connection_status_display = display("connection_status")
    operador_username = serializers.CharField(source="operador_asignado.username", read_only=True)
    sensores_asignados = Assignment(source="asignaciones", many=True, read_only=True)
    cantidad_sensores = serializers.IntegerField(source="asignaciones.count", read_only=True)

    class Meta:
        model = models.Device
        fields = "__all__"


class Credential(serializers.ModelSerializer):
    dispositivo_nombre = serializers.CharField(source="dispositivo.nombre", read_only=True)
    has_password = serializers.SerializerMethodField()
    has_cert = serializers.SerializerMethodField()

    class Meta:
        model = models.Credential
        fields = "__all__"
        extra_kwargs = dict(SECRET, client_key={"write_only": True})

    def get_has_password(self, row):
        return True

    def get_has_cert(self, row):
        return bool(row.client_cert and row.client_key)


class OpenCredential(Credential):
    """What a superuser sees of one: everything."""

    class Meta(Credential.Meta):
        extra_kwargs = {}


class Config(serializers.ModelSerializer):
    dispositivo_nombre = serializers.CharField(source="dispositivo.nombre", read_only=True)
    broker_nombre = serializers.CharField(source="broker.nombre", read_only=True)
    publish_topic_nombre = serializers.CharField(source="publish_topic.nombre", read_only=True)
    connection_status_display = display("connection_status")
    qos_display = display("qos")

    class Meta:
        model = models.Config
        fields = "__all__"
        read_only_fields = ["last_connection"]


class ConfigDetail(Config):
    broker_nombre = publish_topic_nombre = qos_display = None
    broker_detail = Broker(source="broker", read_only=True)
    publish_topic_detail = Topic(source="publish_topic", read_only=True)
    subscribe_topics_detail = Topic(source="subscribe_topics", many=True, read_only=True)


class EmqxAcl(serializers.ModelSerializer):
    permission_display = display("permission")
    action_display = display("action")

    class Meta:
        model = models.EmqxAcl
        fields = "__all__"

    def validate(self, values):
        user = values.get("emqx_user")
        if user is not None and values["username"] != user.username:
            raise serializers.ValidationError(
                "El username debe coincidir con el usuario EMQX asociado")
        return values


class EmqxUser(serializers.ModelSerializer):
    password = serializers.CharField(write_only=True, required=False)
    dispositivo_nombre = serializers.CharField(source="dispositivo.nombre", read_only=True)
    acl_rules_count = serializers.IntegerField(source="acl_rules.count", read_only=True)

    class Meta:
        model = models.EmqxUser
        exclude = ["password_hash", "salt"]

    def save(self, **more):
        password = self.validated_data.pop("password", None)
        user = super().save(**more)
        if password is not None:
            user.set_password(password)
            user.save()
        return user


class EmqxUserDetail(EmqxUser):
    acl_rules = EmqxAcl(many=True, read_only=True)


class Reading(serializers.ModelSerializer):
    dispositivo_nombre = serializers.CharField(source="dispositivo.nombre", read_only=True)
    sensor_nombre = serializers.CharField(source="sensor.nombre", read_only=True)
    sensor_unidad = serializers.CharField(source="sensor.unidad_medida", read_only=True)

    class Meta:
        model = models.Reading
        fields = "__all__"

    def validate(self, values):
        sensor = values["sensor"]
        if not sensor.rango_min <= values["valor"] <= sensor.rango_max:
            raise serializers.ValidationError(
                f"El valor {values['valor']} esta fuera del rango permitido "
                f"({sensor.rango_min} - {sensor.rango_max}).")
        if not models.Assignment.objects.filter(
                dispositivo=values["dispositivo"], sensor=sensor).exists():
            raise serializers.ValidationError("El sensor no esta asignado a este dispositivo.")
        return values


class Bulk(serializers.Serializer):
    lecturas = Reading(many=True)
