// The guide's sketch for an ESP32, which takes broker, login and topics from a header of its device. Beside this file:
//
//	(umask 077; iotctl device env ESP32_001 --format h >iot_device.h)
//
// The Arduino IDE wants both in a folder esp32, the boards of Espressif and the library PubSubClient. Over WebSocket
// (mqtt_ws_path) that library does not go.
#include <PubSubClient.h>
#include <WiFi.h>
#include <WiFiClientSecure.h>

#include "iot_device.h"

// WiFi
const char *ssid = "YOUR_SSID";
const char *password = "YOUR_PASSWORD";

WiFiClient plain;
WiFiClientSecure secure;
PubSubClient client;

// Your sensors.
float readTemperature() { return 18 + random(800) / 100.0; }
float readHumidity() { return 40 + random(2000) / 100.0; }

String status(const char *word) {
  return String("{\"device_id\":\"") + device_id + "\",\"status\":\"" + word + "\"}";
}

void callback(char *topic, byte *payload, unsigned int length) {
  String message = "";
  for (unsigned int i = 0; i < length; i++) {
    message += (char)payload[i];
  }
  Serial.println("Comando recibido: " + message);
  // Procesar comando
}

void setup_wifi() {
  WiFi.begin(ssid, password);
  while (WiFi.status() != WL_CONNECTED) {
    delay(500);
    Serial.print(".");
  }
  Serial.println("\nWiFi conectado");
  // A certificate of the broker can only be checked by a clock that is right.
  configTime(0, 0, "pool.ntp.org");
}

void setup() {
  Serial.begin(115200);
  setup_wifi();
  if (mqtt_tls) {
    if (mqtt_ca_cert[0] == '\0') {
      Serial.println("Sin CA: iotctl broker set NOMBRE ca_cert@FICHERO");
    }
    secure.setCACert(mqtt_ca_cert);
    if (mqtt_cert[0] != '\0') {
      secure.setCertificate(mqtt_cert);
      secure.setPrivateKey(mqtt_key);
    }
    client.setClient(secure);
  } else {
    client.setClient(plain);
  }
  client.setServer(mqtt_server, mqtt_port);
  client.setKeepAlive(60);
  client.setCallback(callback);
}

void reconnect() {
  while (!client.connected()) {
    Serial.print("Conectando a MQTT...");
    String will = status("disconnected");
    if (client.connect(mqtt_client_id, mqtt_user, mqtt_password, topic_status, 1, true, will.c_str())) {
      Serial.println("conectado");
      client.subscribe(topic_commands, 1);
      client.publish(topic_status, status("connected").c_str(), true);
    } else {
      Serial.print("falló, rc=");
      Serial.println(client.state());
      delay(5000);
    }
  }
}

void loop() {
  if (!client.connected()) {
    reconnect();
  }
  client.loop();

  // The time is that of the arrival, as no timestamp is sent.
  static unsigned long lastMsg = 0;
  unsigned long now = millis();
  if (lastMsg == 0 || now - lastMsg > publish_interval * 1000UL) {
    lastMsg = now;

    String payload = "{";
    payload += String("\"device_id\":\"") + device_id + "\",";
    payload += "\"temperature\":" + String(readTemperature()) + ",";
    payload += "\"humidity\":" + String(readHumidity());
    payload += "}";

    client.publish(topic_data, payload.c_str(), false);
    Serial.println("Datos publicados: " + payload);
  }
}
