#!/usr/bin/python3
"""The guide's program for a Raspberry Pi, which takes broker, login and topics from the .env of its device.

On the operator's machine, then copied to the device together with this file:

    iotctl device env RPI_001 --format sh --secrets secrets >.env

There: apt install python3-paho-mqtt; python3 raspberry.py
The password stays in its file (secrets/RPI_001.pw, mode 0600): it is in no environment that children would inherit.
"""
import json
import os
import random
import shlex
import signal
import time

import paho.mqtt.client as mqtt

HERE = os.path.dirname(os.path.abspath(__file__))


def read_env(path):
    """The lines as a shell reads them."""
    with open(path, encoding="utf-8") as f:
        return dict(word.split("=", 1) for word in shlex.split(f.read(), comments=True))


ENV = read_env(os.path.join(HERE, ".env"))


def file_of(name):
    """The file that a value names, beside this program; None: there is none."""
    return os.path.join(HERE, ENV[name]) if ENV[name] else None


def status(word):
    return json.dumps({"device_id": ENV["DEVICE_ID"], "status": word, "timestamp": int(time.time())})


# Your sensors; the names are the suffixes that the platform knows them by.
def read_temperature_sensor():
    return round(random.uniform(18, 26), 2)


def read_humidity_sensor():
    return round(random.uniform(40, 60), 2)


# What a command does; what it returns is the answer's result.
def handle_command(command):
    print(f"Comando recibido: {command}", flush=True)
    return None


# Arguments differ between the versions 1 and 2 of paho-mqtt; the first ones do not.
def on_connect(client, userdata, flags, code, *_):
    print(f"Conectado con código: {code}", flush=True)
    client.subscribe(ENV["TOPIC_COMMANDS"], qos=1)
    client.publish(ENV["TOPIC_STATUS"], status("connected"), qos=1, retain=True)


def on_message(client, userdata, msg):
    answer = {"device_id": ENV["DEVICE_ID"], "status": "ok"}
    try:
        command = json.loads(msg.payload)
        if isinstance(command, dict) and "id" in command:
            answer["id"] = command["id"]
        answer["result"] = handle_command(command)
    except Exception as error:  # a bad command is answered, and the program goes on
        answer.update(status="error", result=str(error))
    client.publish(ENV["TOPIC_RESPONSES"], json.dumps(answer), qos=1)


def on_disconnect(client, userdata, *_):
    print("Desconectado del broker", flush=True)


def make_client():
    version = [mqtt.CallbackAPIVersion.VERSION2] if hasattr(mqtt, "CallbackAPIVersion") else []
    client = mqtt.Client(*version, client_id=ENV["MQTT_CLIENT_ID"],
                         transport="websockets" if ENV["MQTT_WS_PATH"] else "tcp")
    if ENV["MQTT_WS_PATH"]:
        client.ws_set_options(path=ENV["MQTT_WS_PATH"])
    if ENV["MQTT_TLS"] == "1":
        client.tls_set(file_of("MQTT_CA_CERT_FILE"), file_of("MQTT_CERT_FILE"), file_of("MQTT_KEY_FILE"))
    if ENV["MQTT_PASSWORD_FILE"]:
        with open(file_of("MQTT_PASSWORD_FILE"), encoding="utf-8") as f:
            client.username_pw_set(ENV["MQTT_USER"], f.readline().rstrip("\n"))
    client.will_set(ENV["TOPIC_STATUS"], status("disconnected"), qos=1, retain=True)
    client.on_connect = on_connect
    client.on_message = on_message
    client.on_disconnect = on_disconnect
    return client


def main():
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    client = make_client()
    client.connect_async(ENV["MQTT_BROKER"], int(ENV["MQTT_PORT"]), 60)  # goes on trying
    client.loop_start()
    try:
        while True:
            payload = {
                "device_id": ENV["DEVICE_ID"],
                "sensors": {
                    "temperature": read_temperature_sensor(),
                    "humidity": read_humidity_sensor(),
                },
                "timestamp": int(time.time()),
            }
            client.publish(ENV["TOPIC_DATA"], json.dumps(payload), qos=int(ENV["MQTT_QOS"]))
            print(f"Datos publicados: {payload}", flush=True)
            time.sleep(int(ENV["PUBLISH_INTERVAL"]))
    except KeyboardInterrupt:
        print("Deteniendo cliente MQTT...", flush=True)
        client.publish(ENV["TOPIC_STATUS"], status("disconnected"), qos=1, retain=True).wait_for_publish(5)
        client.disconnect()
        client.loop_stop()


if __name__ == "__main__":
    main()
