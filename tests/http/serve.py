"""Real HTTP servers that do what no healthy API does, or what none can be asked to: serve.py MODE DIRECTORY [ARG].
Each writes its URL into DIRECTORY/url and answers until it is killed; what it does is said by files of DIRECTORY.

answers DIRECTORY: each line of DIRECTORY/answers is "METHOD PATH-PREFIX STATUS TYPE BODY"; the first whose method
and prefix fit a request answers it, none: 404. A line with "once:METHOD" fits one request. A STATUS of "slow" never answers, "half" breaks off in the middle of
the body, "gzip" compresses it, "endless" repeats it until nobody listens. DIRECTORY/log gets "METHOD PATH" for each request.

emqx DIRECTORY KEY:SECRET: EMQX 5's GET /api/v5/clients: HTTP Basic with an API key, pages of at most 10,000, meta
with hasnext, disconnected_at only when offline, HTML for unknown paths. DIRECTORY/clients has a client a line,
"CLIENTID USERNAME connected|disconnected TIME". While there is DIRECTORY/fail, all is answered with 500 and an Erlang
term that holds the request's Authorization header, as EMQX 5.8 does; DIRECTORY/slow holds seconds to wait before
each answer. fields=A,B leaves the others out. GET /api/v5/clients/ID/subscriptions is an array with the filters that a
line "ID FILTER..." of DIRECTORY/subscriptions names. DIRECTORY/log gets "METHOD PATH" for each request.

between DIRECTORY UPSTREAM: hands every request on to another server. Every other one is held for HOLD seconds, so
that the answer to the next comes first. DIRECTORY/log gets, at its end, a line a request: its number (from 1, as they
came), how many there were at once, the status, method and path; DIRECTORY/came is how many came so far.
DIRECTORY/busy with "N SECONDS" makes request N be answered with 429 and Retry-After; whoever asks within that time is
told the same and noted in DIRECTORY/early. DIRECTORY/refuse holds "METHOD PATH", answered with 400. DIRECTORY/fault
holds "METHOD PATH-PREFIX WHAT" for one request; it is DIRECTORY/fault.met when that came, and DIRECTORY/fault.used
when it was handed on: WHAT is the status to answer with in its place, "hang" or "cut" for none; behind "before:" the
request is not handed on at all."""
import base64, gzip, http.client, http.server, json, os, socket, sys, threading, time
from urllib.parse import parse_qs, unquote, urlsplit

mode, directory, argument = (sys.argv[1:] + [""])[:3]
HOLD = 0.03
GRACE = 0.1  # until the 429 has arrived, and what was on its way
HAIR = 0.02  # two clocks
JSON = [("Content-Type", "application/json")]
lock = threading.Lock()


def path_of(name):
    return os.path.join(directory, name)


def note(name, text):
    with open(path_of(name), "a") as f:
        f.write(text + "\n")


def put(name, text):
    with open(path_of(name + ".new"), "w") as f:
        f.write(text)
    os.rename(path_of(name + ".new"), path_of(name))


def words_of(name):
    try:
        with open(path_of(name)) as f:
            return f.read().split()
    except FileNotFoundError:
        return []


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *_):
        pass

    def serve(self):
        self.respond(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def answer(self, status, headers, body, sent=None):
        """Sends the first `sent` bytes of the body, which is announced whole."""
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status != 204:
            self.wfile.write(body[:sent])
        self.wfile.flush()

    def hang_up(self):
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = serve


class Answers(Handler):
    used = set()

    def find(self):
        with open(path_of("answers"), errors="surrogateescape") as f:
            for line in f:
                method, prefix, status, kind, body = line.rstrip("\n").split(" ", 4)
                if method == "once:" + self.command and line not in self.used and self.path.startswith(prefix):
                    self.used.add(line)
                    method = self.command
                if method == self.command and self.path.startswith(prefix):
                    return status, kind, body.encode(errors="surrogateescape")
        return "404", "application/json", b'{"detail":"nothing"}'

    def respond(self, _):
        note("log", "%s %s" % (self.command, self.path))
        status, kind, body = self.find()
        headers = [("Content-Type", kind)]
        if status == "slow":
            time.sleep(30)  # longer than any client of the tests waits
            self.hang_up()
        elif status == "half":
            self.answer(200, headers, body, len(body) // 2)
            self.hang_up()
        elif status == "gzip":
            self.answer(200, headers + [("Content-Encoding", "gzip")], gzip.compress(body))
        elif status == "endless":
            self.send_response(200)
            for name, value in headers + [("Connection", "close")]:
                self.send_header(name, value)
            self.end_headers()
            while self.wfile.write(body * 1000):
                pass
        else:
            self.answer(int(status), [] if status == "204" else headers, body)


STATISTICS = {"%s_%s_cnt" % (way, what): 1000000 for way in ("recv", "send") for what in (
    "oct", "pkt", "msg", "msg.qos0", "msg.qos1", "msg.qos2", "msg.dropped", "msg.dropped.await_pubrel_timeout",
    "msg.dropped.expired", "msg.dropped.queue_full", "msg.dropped.too_large")}  # some of the 1.1 kB of a client


class Emqx(Handler):
    read = (None, [])  # a state of DIRECTORY/clients, and what it says: a page of many must not cost as much as all

    @classmethod
    def clients(cls):
        now = os.stat(path_of("clients"))
        state = (now.st_ino, now.st_mtime_ns, now.st_size)
        if cls.read[0] != state:
            cls.read = (state, list(cls.parse()))
        return cls.read[1]

    @staticmethod
    def parse():
        for line in open(path_of("clients")):
            clientid, username, state, when = line.split()
            client = {"clientid": clientid, "username": username, "connected": state == "connected",
                      "connected_at": when, "ip_address": "10.0.0.7", "port": 51234, "proto_ver": 5,
                      "keepalive": 60, "node": "emqx@127.0.0.1", **STATISTICS}
            if not client["connected"]:
                client["disconnected_at"] = when
            yield client

    def subscriptions(self, clientid):
        if clientid not in (c["clientid"] for c in self.clients()):
            return self.refuse(404, "CLIENTID_NOT_FOUND", "Client ID not found")
        filters = []
        if os.path.exists(path_of("subscriptions")):
            lines = [line.split() for line in open(path_of("subscriptions"))]
            filters = [f for line in lines if line[0] == clientid for f in line[1:]]
        self.answer(200, JSON, json.dumps([
            {"clientid": clientid, "topic": f, "qos": 1, "nl": 0, "rap": 0, "rh": 0, "durable": False,
             "node": "emqx@127.0.0.1"} for f in filters]).encode())

    def refuse(self, status, code, message):
        self.answer(status, JSON, json.dumps({"code": code, "message": message}).encode())

    def respond(self, _):
        url = urlsplit(self.path)
        note("log", "%s %s" % (self.command, self.path))
        time.sleep(float((words_of("slow") or ["0"])[0]))
        query = {k: v[-1] for k, v in parse_qs(url.query).items()}
        authorization = self.headers.get("Authorization")
        words = url.path.split("/")
        kept = url.path.startswith("/api/v5/clients/") and words[5:] == ["subscriptions"]
        if not (kept or url.path == "/api/v5/clients") or self.command != "GET":
            return self.answer(404, [("Content-Type", "text/html")], b"<html><body>404 Not Found</body></html>")
        if authorization is None:
            return self.refuse(401, "AUTHORIZATION_HEADER_ERROR", "Support authorization: basic/bearer ")
        if authorization != "Basic " + base64.b64encode(argument.encode()).decode():
            return self.refuse(401, "BAD_API_KEY_OR_SECRET", "Check api_key/api_secret")
        if os.path.exists(path_of("fail")):
            return self.refuse(500, "INTERNAL_ERROR", "{error,{badmap,[{headers,#{<<\"authorization\">> => <<\"%s\">>}}]}}"
                               % authorization)
        if kept:
            return self.subscriptions(unquote(words[4]))
        page, limit = int(query.get("page", 1)), int(query.get("limit", 100))
        if not 1 <= limit <= 10000 or page < 1:
            return self.refuse(400, "BAD_REQUEST", json.dumps({"kind": "validation_error"}))
        everyone = self.clients()
        end = page * limit
        some = everyone[end - limit:end]
        if "fields" in query:
            wanted = query["fields"].split(",")
            some = [{k: v for k, v in c.items() if k in wanted} for c in some]
        self.answer(200, JSON, json.dumps({"data": some, "meta": {
            "page": page, "limit": limit, "count": len(everyone), "hasnext": end < len(everyone)}}).encode())


class Between(Handler):
    came = flying = 0
    busy_from = busy_until = 0.0
    behind = None  # the connection to UPSTREAM

    def fault(self):
        """What is to happen to this request; each fault is for one."""
        with lock:
            words = words_of("fault")
            if len(words) == 3 and self.command == words[0] and self.path.startswith(words[1]):
                os.rename(path_of("fault"), path_of("fault.met"))
                return words[2]
        return ""

    def count(self):
        """(its number, how many there are at once, SECONDS when it comes too early)"""
        now, cls = time.monotonic(), Between
        with lock:
            cls.came += 1
            cls.flying += 1
            put("came", str(cls.came))
            busy, refused = words_of("busy"), cls.busy_from <= now < cls.busy_until
            if busy and cls.came == int(busy[0]):
                cls.busy_from, cls.busy_until = now + GRACE, now + float(busy[1]) - HAIR
                refused = True
            elif refused:
                note("early", "%s %s" % (self.command, self.path))
            return cls.came, cls.flying, busy[1] if refused else None

    def hand_on(self, body):
        if self.behind is None:
            self.behind = http.client.HTTPConnection(argument.removeprefix("http://"))
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")}
        self.behind.request(self.command, self.path, body, headers)
        reply = self.behind.getresponse()
        ours = ("connection", "content-length", "transfer-encoding", "date", "server")
        return reply.status, [h for h in reply.getheaders() if h[0].lower() not in ours], reply.read()

    def respond(self, body):
        number, at_once, busy = self.count()
        what = "" if busy else self.fault()
        headers = JSON
        if busy:
            status, headers, text = 429, [("Retry-After", busy)] + JSON, b'{"detail":"slow down"}'
        elif words_of("refuse") == [self.command, self.path]:
            status, text = 400, b'{"detail":"not this one"}'
        elif what.startswith("before:"):
            status, text = what[7:], b'{"detail":"not now"}'
        else:
            if number % 2:
                time.sleep(HOLD)
            status, headers, text = self.hand_on(body)
            status = what or status
        with lock:
            Between.flying -= 1
            note("log", "%d %d %s %s %s" % (number, at_once, status, self.command, self.path))
        if what:
            os.rename(path_of("fault.met"), path_of("fault.used"))
        if status == "hang":
            time.sleep(60)  # longer than the client lives
        if status in ("hang", "cut"):
            return self.hang_up()
        self.answer(int(status), headers, text)


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 64  # more at once would wait a second for their connection
    daemon_threads = True


server = Server(("127.0.0.1", 0), {"answers": Answers, "emqx": Emqx, "between": Between}[mode])
put("came", "0")
put("url", "http://127.0.0.1:%d" % server.server_address[1])
server.serve_forever()
