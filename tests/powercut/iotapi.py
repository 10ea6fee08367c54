"""iotapi that loses its power: iotapi.py TEMPLATE POINTS READINGS [--early] [--unsynced].

TEMPLATE is a database with a broker at 127.0.0.1, a device DEV with a sensor n (both of id 1), a topic of id 1, and
its token in TEMPLATE.token. POINTS is how many of the run's writes and fdatasyncs, at equal distances, or "all", which
several processes take, each with a broker of its own, the middle first, then the quarters, then the eighths, so that what
was done when it is stopped is spread over the whole run. A broker of our own hands numbered readings out at QoS 1, in a session that it keeps; a client makes numbered topics and numbers the first one's
description. At each point iotapi is killed (powercut.c), and what it acknowledged and answered 2xx until then is looked
for, in the files as they are and in what a disk is sure to have of them. Then it is started again, and takes the rest.

--early: the broker takes a message for acknowledged when it has sent it. --unsynced: nothing is made durable. Both end
at the first loss. Prints "points=P calls=N lost=L cut=C damaged=D missing=M late=W": lost were acknowledged and are not in
the files, cut are not in what the disk is sure to have, missing were acknowledged after the restart and are not there
either, late came in no more when nothing had been acknowledged for STALL_S seconds: a server that stands still, however
slow the machine is. Each point with any of these is told, one that is late with what the server said."""
import http.client, json, multiprocessing, os, shutil, socket, sqlite3, struct, subprocess, sys, tempfile, threading, time

template, wanted, total = sys.argv[1], sys.argv[2], int(sys.argv[3])
early, unsynced = "--early" in sys.argv, "--unsynced" in sys.argv
token = open(template + ".token").read().strip()
# Longer than any pause of iotapi's own (10 s for a SUBACK), shorter than the 90 s of silence behind which it makes its
# connection anew, and would go on as if nothing had been.
STALL_S = 60
WINDOW = 200
AT_ONCE = 4  # a run waits for the disk and for its server's start more than it computes
TELL_S = 60


def varint(n):
    out = b""
    while True:
        n, low = n >> 7, n & 127
        out += bytes([low | (128 if n else 0)])
        if not n:
            return out


def packet(kind, body):
    return bytes([kind]) + varint(len(body)) + body


class Broker:
    """One session of one client, MQTT 5."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.run, self.current = 0, None
        self.begin()
        threading.Thread(target=self.accept, daemon=True).start()

    def begin(self):
        with self.lock:
            self.acked, self.sent, self.flying, self.subscribed = set(), set(), set(), False
            self.run += 1

    def accept(self):
        while True:
            c, _ = self.listener.accept()
            # The session is the newest connection's, whichever of them is read first: what a server that is killed
            # had sent may be read behind the next one's CONNECT.
            with self.lock:
                self.current, self.flying, run = c, set(), self.run
            threading.Thread(target=self.serve, args=(c, run), daemon=True).start()

    def serve(self, c, run):
        try:
            f = c.makefile("rb")
            while True:
                first = f.read(1)
                if not first:
                    return
                n = shift = 0
                while True:
                    b = f.read(1)[0]
                    n, shift = n | (b & 127) << shift, shift + 7
                    if b < 128:
                        break
                body = f.read(n)
                # What a server of the run before had sent is not of this one.
                if run == self.run:
                    self.take(c, first[0], body)
        except OSError:
            pass

    def take(self, c, kind, body):
        with self.lock:
            if kind >> 4 != 4 and c is not self.current:
                pass
            elif kind >> 4 == 1:
                c.sendall(packet(0x20, bytes([1 if self.subscribed else 0, 0, 0])))
                self.hand_out(c) if self.subscribed else None
            elif kind >> 4 == 8:
                filters, at = 0, 3 + body[2]
                while at < len(body):
                    at += 3 + struct.unpack(">H", body[at:at + 2])[0]
                    filters += 1
                c.sendall(packet(0x90, body[:2] + b"\0" + b"\1" * filters))
                self.subscribed = True
                self.hand_out(c)
            elif kind >> 4 == 4:
                mid = struct.unpack(">H", body[:2])[0]
                self.acked.add(mid)
                if c is self.current:
                    self.flying.discard(mid)
                    self.hand_out(c)
            elif kind >> 4 == 12:
                c.sendall(packet(0xD0, b""))
            elif kind >> 4 == 14:
                c.shutdown(socket.SHUT_RDWR)

    def hand_out(self, c):
        """As many as the window has room for; what was sent in another connection comes again with DUP."""
        for i in range(1, total + 1):
            if len(self.flying) >= WINDOW:
                return
            if i in self.acked or i in self.flying or early and i in self.sent:
                continue
            topic, payload = b"iot/sensors/DEV/data", b'{"n":%d}' % i
            again = 8 if i in self.sent else 0
            self.sent.add(i)
            self.flying.add(i)
            c.sendall(packet(0x32 | again, struct.pack(">H", len(topic)) + topic + struct.pack(">H", i) + b"\0" + payload))

    def acknowledged(self):
        with self.lock:
            return set(self.sent if early else self.acked)

    def state(self):
        with self.lock:
            return "%d acknowledged, %d sent, %d on their way" % (len(self.acked), len(self.sent), len(self.flying))


class Editor(threading.Thread):
    """Makes topics, and numbers the first one's description, until the server is gone."""

    def __init__(self, url):
        super().__init__(daemon=True)
        self.url, self.made, self.number, self.over = url, set(), 0, False

    def call(self, c, method, path, body):
        c.request(method, path, json.dumps(body), {"Authorization": "Bearer " + token, "Content-Type": "application/json"})
        answer = c.getresponse()
        answer.read()
        return answer.status

    def run(self):
        i = 0
        try:
            c = http.client.HTTPConnection(self.url.split("/")[2], timeout=STALL_S)
            while not self.over:
                i += 1
                if self.call(c, "POST", "/api/mqtt/topics/", {"nombre": "T%d" % i, "topic_pattern": "t/%d/{device_id}" % i}) == 201:
                    self.made.add(i)
                if self.call(c, "PATCH", "/api/mqtt/topics/1/", {"descripcion": str(i)}) == 200:
                    self.number = i
                time.sleep(0.02)
        except (OSError, http.client.HTTPException):
            pass


def start(directory, **more):
    url = directory + "/url"
    if os.path.exists(url):
        os.unlink(url)
    server = subprocess.Popen(["iotapi", "--db", directory + "/iot.db", "--listen", "127.0.0.1:0", "--url-file", url],
        env=dict(os.environ, **more), stderr=open(directory + "/log", "a"))
    until = time.monotonic() + STALL_S
    while not os.path.exists(url) and server.poll() is None and time.monotonic() < until:
        time.sleep(0.005)
    return server, open(url).read().strip() if os.path.exists(url) else None


def goes_on(server, acknowledged):
    """Waits until it is dead or all is acknowledged. False: it stands still."""
    n, until = -1, 0
    while server.poll() is None and len(acknowledged()) < total:
        if len(acknowledged()) > n:
            n, until = len(acknowledged()), time.monotonic() + STALL_S
        elif time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True


def look(path):
    """The numbers of the readings, of the topics, of the first one's description, and whether the file is whole."""
    c = sqlite3.connect(path)
    try:
        if c.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            return set(), set(), 0, False
        return ({int(v) for v, in c.execute("SELECT valor FROM reading")},
            {int(n[1:]) for n, in c.execute("SELECT nombre FROM topic WHERE id > 1")},
            int(c.execute("SELECT descripcion FROM topic WHERE id = 1").fetchone()[0] or 0), True)
    except sqlite3.DatabaseError:
        return set(), set(), 0, False
    finally:
        c.close()


def copy_of(directory, name):
    to = tempfile.mkdtemp(dir=directory)
    for end in ("", "-wal"):
        if os.path.exists(directory + name + end):
            shutil.copy(directory + name + end, to + "/iot.db" + end)
    return to + "/iot.db"


def losses(path, acked, editor):
    readings, topics, number, whole = look(path)
    edits = editor is not None and (len(editor.made - topics) + (number < editor.number)) or 0
    return len(acked - readings) + edits, not whole


def own_template():
    """A copy of the database, with the broker of this process."""
    copy = tempfile.mkdtemp(dir=os.getcwd()) + "/made.db"
    for end in ("", ".key"):
        shutil.copy(template + end, copy + end)
    c = sqlite3.connect(copy)
    c.execute("UPDATE broker SET port = ?", (broker.port,))
    c.commit()
    c.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    c.close()
    return copy


def told(at, figures, why=""):
    if sum(figures) > 0:
        print("# at %d: lost=%d cut=%d damaged=%d missing=%d late=%d%s" % (at, *figures, why), file=sys.stderr, flush=True)
    return figures


def why_late(directory, server, url):
    """To be asked before the server is told to end."""
    state = "ended with %d" % server.poll() if server.poll() is not None else "runs" if url is not None else "does not listen"
    with open(directory + "/log") as log:
        return "; the server %s; %s; %s" % (state, broker.state(), " / ".join(log.read().splitlines()[-20:]))


def run(at):
    """One run, killed at that point; 0: not. What was counted, or None where it ended before the point."""
    directory = tempfile.mkdtemp(dir=os.getcwd())
    image = directory + "/image"
    os.mkdir(image)
    for end in ("", ".key"):
        shutil.copy(template + end, directory + "/iot.db" + end)
        os.chmod(directory + "/iot.db" + end, 0o600)
    shutil.copy(template, image + "/iot.db")
    broker.begin()
    shim = dict(LD_PRELOAD=os.environ["POWERCUT"], POWERCUT_FILE=directory + "/iot.db", POWERCUT_IMAGE=image,
        POWERCUT_AT=str(at), POWERCUT_SYNC="no" if unsynced else "yes")
    server, url = start(directory, **shim)
    editor = None
    if url is not None:
        editor = Editor(url)
        editor.start()
    moved = goes_on(server, lambda: broker.acked)
    if server.poll() is None:
        why = "" if moved else why_late(directory, server, url)
        if editor is not None:
            editor.over = True
            editor.join()
        server.terminate()
        server.wait()
        if at == 0:
            return int(open(image + "/count").read())
        shutil.rmtree(directory)
        return None if moved else told(at, (0, 0, 0, 0, total - len(broker.acknowledged())), why)
    acked = broker.acknowledged()
    if editor is not None:
        editor.join()
    lost, torn = losses(copy_of(directory, "/iot.db"), acked, editor)
    cut, cut_torn = losses(copy_of(directory, "/image/iot.db"), acked, editor)
    # The next start, from what the disk is sure to have.
    for end in ("", "-wal", "-shm"):
        if os.path.exists(directory + "/iot.db" + end):
            os.unlink(directory + "/iot.db" + end)
        if os.path.exists(image + "/iot.db" + end):
            shutil.copy(image + "/iot.db" + end, directory + "/iot.db" + end)
    server, url = start(directory)
    came = url is not None and goes_on(server, broker.acknowledged) and len(broker.acknowledged()) == total
    why = "" if came else why_late(directory, server, url)
    server.terminate()
    server.wait()
    after = look(directory + "/iot.db")[0]
    acked = broker.acknowledged()
    shutil.rmtree(directory)
    return told(at, (lost, cut, torn + cut_torn, len(acked - after), 0 if came else total - len(acked & after)), why)


def begin():
    """A process's own broker and database."""
    global broker, template
    broker = Broker()
    template = own_template()


def swept(points):
    """The sums of these points, by several processes; told now and then."""
    done, sums, said = 0, [0] * 5, time.monotonic()
    with multiprocessing.Pool(AT_ONCE, begin) as pool:
        for figures in pool.imap_unordered(run, points):
            if figures is not None:
                done += 1
                sums = [a + b for a, b in zip(sums, figures)]
            if time.monotonic() - said >= TELL_S:
                said = time.monotonic()
                print("# %d of %d points: lost=%d cut=%d damaged=%d missing=%d late=%d" % (done, len(points), *sums), file=sys.stderr, flush=True)
    return done, sums


def one_by_one(points):
    """The same by this process; with a server that shall lose something, until it does."""
    done, sums = 0, [0] * 5
    for figures in map(run, points):
        if figures is None:
            break
        done += 1
        sums = [a + b for a, b in zip(sums, figures)]
        if early and figures[0] > 0 or unsynced and figures[1] > 0:
            break
    return done, sums


def halves_first(n):
    return int(format(n, "020b")[::-1], 2)


if __name__ == "__main__":
    own = template
    begin()
    calls = 2000 if early else run(0)
    if wanted == "all":
        template = own
        points, sums = swept(sorted(range(1, calls + 1), key=halves_first))
    else:
        step = max(1, calls // int(wanted))
        points, sums = one_by_one(range(max(1, step // 2), calls + 1, step))
    print("points=%d calls=%d lost=%d cut=%d damaged=%d missing=%d late=%d" % (points, calls, *sums))
