# The guide's models, and those that the real backend has besides: roles, EMQX users and rules.
import hashlib
import secrets

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

PROTOCOLS = [("mqtt", "MQTT"), ("mqtts", "MQTT over TLS"), ("ws", "WebSocket"),
             ("wss", "WebSocket Secure")]
DIRECTIONS = [("publish", "Publicación"), ("subscribe", "Suscripción"), ("both", "Ambos")]
QUALITIES = [(0, "At most once (0)"), (1, "At least once (1)"), (2, "Exactly once (2)")]
LINKS = [("connected", "Conectado"), ("disconnected", "Desconectado"), ("error", "Error")]
PRESENCES = [("online", "En Línea"), ("offline", "Fuera de Línea"), ("error", "Error")]
BOARDS = [("raspberry_pi", "Raspberry Pi"), ("esp32", "ESP32"), ("arduino", "Arduino"),
          ("esp8266", "ESP8266"), ("stm32", "STM32"), ("otro", "Otro")]
STATES = [("activo", "Activo"), ("inactivo", "Inactivo"), ("mantenimiento", "Mantenimiento"),
          ("desconectado", "Desconectado")]
QUANTITIES = [(q, q.capitalize()) for q in (
    "temperatura", "humedad", "presion", "luz", "movimiento", "gas", "sonido", "distancia",
    "acelerometro", "giroscopio", "otro")]


class Stamped(models.Model):
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class Permiso(models.Model):
    nombre = models.CharField(max_length=100, unique=True)
    codigo = models.CharField(max_length=100, unique=True)
    descripcion = models.TextField(blank=True, default="")


class Rol(models.Model):
    nombre = models.CharField(max_length=50, unique=True, choices=[
        ("superusuario", "Superusuario"), ("operador", "Operador"),
        ("solo_lectura", "Solo Lectura")])
    descripcion = models.TextField(blank=True, default="")
    permisos = models.ManyToManyField(Permiso, blank=True)


class User(AbstractUser):
    rol = models.ForeignKey(Rol, null=True, blank=True, on_delete=models.SET_NULL)
    tipo_usuario = models.CharField(max_length=10, default="externo",
                                    choices=[("interno", "Interno"), ("externo", "Externo")])
    telegram_username = models.CharField(max_length=100, null=True, blank=True)
    telegram_notifications_enabled = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)


class LongLivedToken(models.Model):
    key = models.CharField(max_length=64, primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE)


class Broker(Stamped):
    nombre = models.CharField("Nombre", max_length=100, unique=True)
    host = models.CharField(max_length=255)
    port = models.IntegerField(default=1883, validators=[
        MinValueValidator(1), MaxValueValidator(65535)])
    protocol = models.CharField(max_length=10, choices=PROTOCOLS, default="mqtt")
    username = models.CharField(max_length=100, null=True, blank=True)
    password = models.CharField(max_length=255, null=True, blank=True)
    keepalive = models.IntegerField(default=60, validators=[
        MinValueValidator(10), MaxValueValidator(3600)])
    clean_session = models.BooleanField(default=True)
    use_tls = models.BooleanField(default=False)
    ca_cert = models.TextField(null=True, blank=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        verbose_name = "Configuración de Broker"
        ordering = ["-is_active", "nombre"]


class Topic(Stamped):
    nombre = models.CharField("Nombre", max_length=100, unique=True)
    topic_pattern = models.CharField(max_length=255)
    tipo = models.CharField(max_length=10, choices=DIRECTIONS, default="both")
    qos = models.IntegerField(choices=QUALITIES, default=1)
    retain = models.BooleanField(default=False)
    descripcion = models.TextField(blank=True, default="")

    class Meta:
        verbose_name = "Topic MQTT"
        ordering = ["nombre"]


class Sensor(Stamped):
    nombre = models.CharField(max_length=200)
    tipo = models.CharField(max_length=30, choices=QUANTITIES)
    unidad_medida = models.CharField(max_length=50)
    rango_min = models.FloatField(validators=[MinValueValidator(-1000000)])
    rango_max = models.FloatField(validators=[MaxValueValidator(1000000)])
    estado = models.CharField(max_length=20, choices=STATES[:3], default="activo")
    descripcion = models.TextField(blank=True, default="")
    mqtt_topic_suffix = models.CharField(max_length=100, null=True, blank=True)
    publish_interval = models.IntegerField(null=True, blank=True, validators=[
        MinValueValidator(1), MaxValueValidator(86400)])

    class Meta:
        ordering = ["-created_at"]


class Device(Stamped):
    nombre = models.CharField(max_length=200)
    tipo = models.CharField(max_length=20, choices=BOARDS)
    identificador_unico = models.CharField("Identificador Único", max_length=100, unique=True)
    ubicacion = models.CharField(max_length=300)
    estado = models.CharField(max_length=20, choices=STATES, default="inactivo")
    descripcion = models.TextField(blank=True, default="")
    mqtt_enabled = models.BooleanField(default=False)
    mqtt_client_id = models.CharField("Client ID MQTT", max_length=100, unique=True, null=True,
                                      blank=True)
    last_seen = models.DateTimeField(null=True, blank=True)
    connection_status = models.CharField(max_length=20, choices=PRESENCES, default="offline")
    operador_asignado = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL)

    class Meta:
        verbose_name = "Dispositivo"
        ordering = ["-created_at", "-id"]


class Assignment(models.Model):
    dispositivo = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="asignaciones")
    sensor = models.ForeignKey(Sensor, on_delete=models.CASCADE)
    configuracion_json = models.JSONField(default=dict)
    fecha_asignacion = models.DateTimeField(auto_now_add=True)
    activo = models.BooleanField(default=True)

    class Meta:
        unique_together = [("dispositivo", "sensor")]


class Credential(Stamped):
    dispositivo = models.OneToOneField(Device, on_delete=models.CASCADE,
                                       verbose_name="Dispositivo")
    client_id = models.CharField("Client ID", max_length=100, unique=True)
    username = models.CharField(max_length=100)
    password = models.CharField(max_length=255)
    use_device_cert = models.BooleanField(default=False)
    client_cert = models.TextField(null=True, blank=True)
    client_key = models.TextField(null=True, blank=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        verbose_name = "Credencial MQTT"
        ordering = ["-created_at"]


class Config(Stamped):
    dispositivo = models.OneToOneField(Device, on_delete=models.CASCADE,
                                       verbose_name="Dispositivo")
    broker = models.ForeignKey(Broker, on_delete=models.CASCADE)
    publish_topic = models.ForeignKey(Topic, null=True, blank=True, on_delete=models.SET_NULL,
                                      related_name="+")
    subscribe_topics = models.ManyToManyField(Topic, blank=True, related_name="+")
    publish_interval = models.IntegerField(default=60, validators=[
        MinValueValidator(1), MaxValueValidator(86400)])
    qos = models.IntegerField(choices=QUALITIES, default=1)
    retain = models.BooleanField(default=False)
    auto_reconnect = models.BooleanField(default=True)
    connection_status = models.CharField(max_length=20, choices=LINKS, default="disconnected")
    last_connection = models.DateTimeField(null=True, blank=True)
    metadata_json = models.JSONField(default=dict, blank=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        verbose_name = "Configuración MQTT de Dispositivo"
        ordering = ["-last_connection", "id"]


class EmqxUser(models.Model):
    username = models.CharField("Usuario MQTT", max_length=255, unique=True)
    password_hash = models.CharField(max_length=64, default="")
    salt = models.CharField(max_length=32, default="")
    is_superuser = models.BooleanField(default=False)
    dispositivo = models.OneToOneField(Device, null=True, blank=True, on_delete=models.CASCADE)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "Usuario EMQX"
        ordering = ["-created", "-id"]

    def set_password(self, password):
        self.salt = secrets.token_hex(16)
        self.password_hash = hashlib.sha256((password + self.salt).encode()).hexdigest()


class EmqxAcl(models.Model):
    username = models.CharField(max_length=255)
    permission = models.CharField(max_length=10, default="allow", choices=[
        ("allow", "Permitir"), ("deny", "Denegar")])
    action = models.CharField(max_length=10, choices=[
        ("publish", "Publicar"), ("subscribe", "Suscribir"), ("all", "Todos")])
    topic = models.CharField(max_length=255)
    qos = models.IntegerField(null=True, blank=True, choices=[(0, "0"), (1, "1"), (2, "2")])
    retain = models.IntegerField(null=True, blank=True, choices=[
        (0, "No retener"), (1, "Retener")])
    emqx_user = models.ForeignKey(EmqxUser, null=True, blank=True, on_delete=models.CASCADE,
                                  related_name="acl_rules")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["username", "topic", "id"]


class Reading(models.Model):
    dispositivo = models.ForeignKey(Device, on_delete=models.CASCADE)
    sensor = models.ForeignKey(Sensor, on_delete=models.CASCADE)
    valor = models.FloatField()
    # As the platform has it, a time that is sent is ignored.
    timestamp = models.DateTimeField(db_index=True, **(
        {"default": timezone.now} if settings.QUIRKS["dated"] else {"auto_now_add": True}))
    metadata_json = models.JSONField(default=dict, blank=True)
    mqtt_message_id = models.CharField(max_length=100, null=True, blank=True)
    mqtt_qos = models.IntegerField(null=True, blank=True, choices=QUALITIES)
    mqtt_retained = models.BooleanField(default=False)

    class Meta:
        ordering = ["-timestamp", "-id"]
