"""A stand-in for EMQX, as far as a shared subscription goes: emqx_group.py SOCKET [--refuse-5].

MQTT 5 and 3.1.1 on a unix socket, QoS 0 and 1, only $share/GROUP/FILTER. What is published goes round-robin to
the members of each group, also to those that are away, whose session keeps 1,000 messages, the oldest dropped;
32 at most are on the way to one. A session that ends deals what it holds to the others. Unlike EMQX it lets
publishers wait for members that are there, so that only those that are away lose something. --refuse-5 knows 3.1.1
only. SOCKET.log gets a line for what happens: connect, away, end (dealt), taken over, dropped, published."""
import collections, itertools, os, selectors, socket, sys, time

QUEUE, CROWDED, WINDOW, EXPIRY_OF_3_1_1 = 1000, 200, 32, 7200
path, refuse_5 = sys.argv[1], "--refuse-5" in sys.argv
selector = selectors.DefaultSelector()
sessions = {}  # by client id
members = {}  # (group, filter): client ids, in turn
unanswered = []  # publishers and their packets
log_file = open(path + ".log", "a", buffering=1)


def log(*words):
    print(*words, file=log_file)


def varint(n):
    out = b""
    while True:
        out += bytes([n % 128 | (128 if n > 127 else 0)])
        n //= 128
        if n == 0:
            return out


def take_varint(b, at):
    n = shift = 0
    while True:
        n |= (b[at] & 127) << shift
        shift += 7
        at += 1
        if b[at - 1] < 128:
            return n, at


def take_text(b, at):
    n = int.from_bytes(b[at : at + 2], "big")
    return b[at + 2 : at + 2 + n], at + 2 + n


def packet(head, body):
    return bytes([head]) + varint(len(body)) + body


def connect_properties(b):
    """Session Expiry Interval and Receive Maximum of a CONNECT; the client's others are numbers too."""
    sizes, got, at = {0x11: 4, 0x21: 2, 0x22: 2, 0x27: 4, 0x17: 1, 0x19: 1}, {}, 0
    while at < len(b):
        size = sizes[b[at]]
        got[b[at]] = int.from_bytes(b[at + 1 : at + 1 + size], "big")
        at += 1 + size
    return got.get(0x11, 0), got.get(0x21, 65535)


def matches(words, topic):
    topic = topic.split(b"/")
    for word, level in itertools.zip_longest(words, topic):
        if word == b"#":
            return True
        if word is None or level is None or word not in (b"+", level):
            return False
    return True


class Session:
    def __init__(self, name):
        self.name, self.client, self.expires, self.dropped = name, None, None, 0
        self.queue, self.inflight, self.mid = collections.deque(), {}, 0

    def put(self, message):
        self.queue.append(message)
        if len(self.queue) > QUEUE:
            self.queue.popleft()
            self.dropped += 1
        self.send()

    def send(self):
        while self.client and self.queue and len(self.inflight) < self.window:
            self.mid = self.mid % 65535 + 1
            self.inflight[self.mid] = self.queue.popleft()
            self.deliver(self.mid, 0x32)

    def deliver(self, mid, head):
        topic, payload = self.inflight[mid]
        properties = b"\0" if self.client.version == 5 else b""
        body = len(topic).to_bytes(2, "big") + topic + mid.to_bytes(2, "big") + properties + payload
        self.client.write(packet(head, body))

    def resume(self, client, expiry, window):
        self.client, self.expiry, self.window, self.expires = client, expiry, min(WINDOW, window), None
        for mid in self.inflight:
            self.deliver(mid, 0x3A)
        self.send()

    def away(self):
        log("away", self.name, self.expiry)
        self.client, self.expires = None, time.monotonic() + self.expiry
        if self.expiry == 0:
            self.end()

    def end(self):
        del sessions[self.name]
        for subscription in list(members):
            if self.name in members[subscription]:
                members[subscription].remove(self.name)
        held = list(self.inflight.values()) + list(self.queue)
        for message in held:
            publish(*message)
        log("end", self.name, len(held), "dropped", self.dropped)


def publish(topic, payload):
    for (_, words), names in members.items():
        if names and matches(words, topic):
            names.append(names.pop(0))
            sessions[names[-1]].put((topic, payload))


class Client:
    def __init__(self, sock):
        self.sock, self.input, self.output = sock, b"", b""
        self.session, self.version, self.published = None, 0, 0
        sock.setblocking(False)
        selector.register(sock, selectors.EVENT_READ, self)

    def write(self, b):
        self.output += b

    def flush(self):
        try:
            while self.output:
                self.output = self.output[self.sock.send(self.output) :]
        except BlockingIOError:
            pass
        except OSError:
            self.output = b""
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self.output else 0)
        if self.sock.fileno() >= 0:
            selector.modify(self.sock, events, self)

    def close(self):
        if self.sock.fileno() < 0:
            return
        selector.unregister(self.sock)
        self.sock.close()
        if self.session and self.session.client is self:
            self.session.away()
        if self.published:
            log("published", self.published)

    def read(self):
        try:
            got = self.sock.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            got = b""
        if not got:
            self.close()
            return
        self.input += got
        at = 0
        while self.sock.fileno() >= 0 and len(self.input) - at >= 2:
            try:
                size, body = take_varint(self.input, at + 1)
            except IndexError:
                break
            if len(self.input) < body + size:
                break
            self.handle(self.input[at], self.input[body : body + size])
            at = body + size
        self.input = self.input[at:]

    def handle(self, head, body):
        kind = head >> 4
        if kind == 1:
            self.connect(body)
        elif kind == 3:
            self.publish(head, body)
        elif kind == 4:
            self.session.inflight.pop(int.from_bytes(body[:2], "big"), None)
            self.session.send()
        elif kind == 8:
            self.subscribe(body)
        elif kind == 12:
            self.write(b"\xd0\0")
        elif kind == 14:
            self.close()

    def connect(self, body):
        self.version, clean, at, expiry, window = body[6], body[7] & 2, 10, EXPIRY_OF_3_1_1, 65535
        if self.version == 5 and refuse_5:
            self.write(packet(0x20, b"\0\x84\0"))
            self.flush()
            self.close()
            return
        if self.version == 5:
            size, at = take_varint(body, at)
            expiry, window = connect_properties(body[at : at + size])
            at += size
        elif clean:
            expiry = 0
        name = take_text(body, at)[0].decode() or "client-%d" % id(self)
        old = sessions.get(name)
        if old and old.client:
            log("taken over", name)
            old.client.session = None
            old.client.close()
            old.client = None
        if old and clean:
            old.end()
        present = name in sessions
        self.session = sessions.setdefault(name, Session(name))
        self.write(packet(0x20, bytes([present, 0]) + (b"\0" if self.version == 5 else b"")))
        log("connect", name, "present", int(present), "version", self.version, "expiry", expiry)
        self.session.resume(self, expiry, window)

    def subscribe(self, body):
        at, answer = 2, b""
        if self.version == 5:
            size, at = take_varint(body, at)
            at += size
        while at < len(body):
            text, at = take_text(body, at)
            at += 1
            share, group, wanted = (text.split(b"/", 2) + [b"", b""])[:3]
            if share != b"$share":
                answer += b"\x80"
                continue
            names = members.setdefault((group, tuple(wanted.split(b"/"))), [])
            if self.session.name not in names:
                names.append(self.session.name)
            answer += b"\1"
        properties = b"\0" if self.version == 5 else b""
        self.write(packet(0x90, body[:2] + properties + answer))
        log("subscribe", self.session.name)

    def publish(self, head, body):
        topic, at = take_text(body, 0)
        mid = body[at : at + 2]
        if head & 6:
            at += 2
            unanswered.append((self, mid))
        if self.version == 5:
            size, at = take_varint(body, at)
            at += size
        self.published += 1
        publish(topic, body[at:])


def expire():
    """Ends the sessions whose time is over; how long until the next one is. What they deal goes out at once."""
    now = time.monotonic()
    over = [s for s in sessions.values() if s.expires is not None and s.expires <= now and not s.client]
    for s in over:
        s.end()
    if over:
        return 0
    times = [s.expires for s in sessions.values() if s.expires is not None]
    return max(0, min(times) - now) if times else None


listener = socket.socket(socket.AF_UNIX)
listener.bind(path + ".new")
listener.listen(20)
os.rename(path + ".new", path)
selector.register(listener, selectors.EVENT_READ)
while True:
    for key, events in selector.select(expire()):
        client = key.data
        if client is None:
            Client(listener.accept()[0])
        elif client.sock.fileno() >= 0 and events & selectors.EVENT_READ:
            client.read()
    if not any(s.client and len(s.queue) > CROWDED for s in sessions.values()):
        for client, mid in unanswered:
            client.write(packet(0x40, mid))
        unanswered.clear()
    for key in list(selector.get_map().values()):
        if key.data and key.data.output:
            key.data.flush()
