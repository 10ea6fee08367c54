#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices that learn new passwords, over MQTT 3.1.1: devices.py PORT CREDENTIALS DIRECTORY INTERVAL PAUSE.

Each device of the credentials file connects with a will, says "connected" (retained), listens to its commands, and publishes
a numbered reading at QoS 1 each INTERVAL seconds, which it keeps until it is acknowledged, over however many connections. A
new password comes as the file DIRECTORY/inbox/ID, or as the command {"action": "set_password", "password": P}, which is answered. A device keeps the
old one until the new one let it in: it tries the new one first, then the old one, and connects anew PAUSE seconds after it learned one
and, while it is in with the old one, each two seconds. A device whose name is in DIRECTORY/deaf takes no password; one in
DIRECTORY/asleep is away.

DIRECTORY/sent gets "ID NUMBER" of each reading when it is acknowledged, DIRECTORY/made of each that was made; DIRECTORY/lost a line
for each device that was refused with all passwords it had, twice in a row. SIGTERM: no more readings; ends when all are acknowledged."""
import asyncio, csv, json, os, signal, sys, time

port, path, directory = int(sys.argv[1]), sys.argv[2], sys.argv[3]
interval, pause = float(sys.argv[4]), float(sys.argv[5])
inbox = os.path.join(directory, "inbox")
ending = False


def note(name, text):
    with open(os.path.join(directory, name), "a") as f:
        f.write(text + "\n")


def has(name, device):
    try:
        return device in open(os.path.join(directory, name)).read().split()
    except FileNotFoundError:
        return False


def packet(head, *parts):
    body = b"".join(parts)
    n, size = len(body), bytearray()
    while True:
        size.append(n & 127 | (128 if n > 127 else 0))
        n >>= 7
        if n == 0:
            return bytes([head]) + bytes(size) + body


def text(s):
    raw = s.encode()
    return len(raw).to_bytes(2, "big") + raw


class Device:
    def __init__(self, row):
        self.id, self.client, self.user = row["device"], row["client_id"], row["username"]
        self.old, self.new = row["password"], None
        self.number, self.waiting, self.writer, self.refused = 0, {}, None, 0

    def status(self, word):
        return json.dumps({"device_id": self.id, "status": word, "timestamp": int(time.time())})

    def learn(self, password):
        if password not in (self.old, self.new):
            self.new = password
            asyncio.get_running_loop().call_later(pause, self.drop)

    def drop(self):
        if self.writer and self.new:
            self.writer.write(packet(0xE0))
            self.writer.close()

    def publish(self, number):
        payload = json.dumps({"device_id": self.id, "timestamp": int(time.time()), "sensors": {"temperature": 20}, "n": number})
        self.writer.write(packet(0x32, text("iot/sensors/%s/data" % self.id), number.to_bytes(2, "big"), payload.encode()))

    async def read(self, reader):
        head = (await reader.readexactly(1))[0]
        n = shift = 0
        while True:
            b = (await reader.readexactly(1))[0]
            n |= (b & 127) << shift
            shift += 7
            if b < 128:
                return head, await reader.readexactly(n)

    async def enter(self, password):
        """True: it is in; False: refused."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        topic = "iot/devices/%s/status" % self.id
        writer.write(packet(0x10, text("MQTT"), b"\4", bytes([0xC0 | 0x20 | 0x08 | 0x04 | 0x02]), (30).to_bytes(2, "big"),
                            text(self.client), text(topic), text(self.status("disconnected")), text(self.user), text(password)))
        head, body = await asyncio.wait_for(self.read(reader), 30)
        if body[1] != 0:
            writer.close()
            return None
        self.writer = writer
        writer.write(packet(0x31, text(topic), self.status("connected").encode()))
        writer.write(packet(0x82, b"\xff\xff", text("iot/devices/%s/commands" % self.id), b"\1"))
        for number in self.waiting:
            self.publish(number)
        return reader

    async def converse(self, reader):
        while True:
            head, body = await self.read(reader)
            if head >> 4 == 4:
                number = int.from_bytes(body[:2], "big")
                if self.waiting.pop(number, None):
                    note("sent", "%s %d" % (self.id, number))
            elif head >> 4 == 3:
                n = int.from_bytes(body[:2], "big")
                at = 2 + n
                if head >> 1 & 3:
                    self.writer.write(packet(0x40, body[at:at + 2]))
                    at += 2
                command = json.loads(body[at:])
                if "id" in command:
                    answer = json.dumps({"id": command["id"], "device_id": self.id, "status": "ok"})
                    self.writer.write(packet(0x30, text("iot/devices/%s/responses" % self.id), answer.encode()))
                if command.get("action") == "set_password" and not has("deaf", self.id):
                    self.learn(command["password"])

    async def connect(self):
        for password in [p for p in (self.new, self.old) if p]:
            reader = await self.enter(password)
            if reader is None:
                continue
            self.refused = 0
            if password == self.new:
                self.old, self.new = self.new, None
            elif self.new:
                asyncio.get_running_loop().call_later(2, self.drop)
            return reader
        # Once may be in the moment in which the broker changes: the new one before it, the old one behind it.
        self.refused += 1
        if self.refused == 2:
            note("lost", self.id)
        return None

    async def live(self):
        while not (ending and not self.waiting):
            try:
                if not has("asleep", self.id):
                    reader = await self.connect()
                    if reader:
                        await self.converse(reader)
            except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError, IndexError):
                pass
            if self.writer:
                self.writer.close()
                self.writer = None
            await asyncio.sleep(0.2)

    async def work(self):
        while not ending:
            self.number += 1
            self.waiting[self.number] = True
            note("made", "%s %d" % (self.id, self.number))
            if self.writer:
                self.publish(self.number)
            await asyncio.sleep(interval)


async def main():
    global ending
    os.makedirs(inbox, exist_ok=True)
    devices = {row["device"]: Device(row) for row in csv.DictReader(open(path))}
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    tasks = [asyncio.create_task(t) for d in devices.values() for t in (d.live(), d.work())]
    with open(os.path.join(directory, "ready"), "w"):
        pass
    while not stop.is_set():
        for name in os.listdir(inbox):
            if name in devices and not has("deaf", name):
                devices[name].learn(open(os.path.join(inbox, name)).read().strip())
                os.unlink(os.path.join(inbox, name))
        for d in devices.values():
            if d.writer and has("asleep", d.id):
                d.writer.close()
        await asyncio.sleep(0.1)
    ending = True
    until = time.time() + 30
    while any(d.waiting for d in devices.values()) and time.time() < until:
        await asyncio.sleep(0.1)
    for d in devices.values():
        for n in d.waiting:
            note("unacknowledged", "%s %d" % (d.id, n))
    for t in tasks:
        t.cancel()


asyncio.run(main())
