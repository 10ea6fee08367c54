"""A real HTTP server in front of another, so that answers come as no test could order them from outside.

between.py DIRECTORY UPSTREAM: writes its URL into DIRECTORY/url and hands every request on. Every other one is
held for HOLD seconds, so that the answer to the next comes first. DIRECTORY/log gets, at its end, a line a
request: its number (from 1, as they came), how many there were at once, the status, method and path.
A file DIRECTORY/busy with "N SECONDS" makes request N be answered with 429 and Retry-After; whoever asks within
that time is told the same and noted in DIRECTORY/early. DIRECTORY/came is how many came so far. DIRECTORY/refuse holds a path: "METHOD PATH", answered
with 400. DIRECTORY/fault holds "METHOD PATH-PREFIX WHAT" for one request, and is DIRECTORY/fault.used when that was
handed on: WHAT is the status to answer with in its place, "hang" or "cut" for none; behind "before:" the
request is not handed on at all."""
import http.client, http.server, os, socket, sys, threading, time

directory, upstream = sys.argv[1], sys.argv[2].removeprefix("http://")
HOLD = 0.03
GRACE = 0.1  # until the 429 has arrived, and what was on its way
HAIR = 0.02  # two clocks
lock = threading.Lock()
came = flying = 0
busy_from = busy_until = 0.0


def note(name, text):
    with open(os.path.join(directory, name), "a") as f:
        f.write(text + "\n")


def said(name):
    try:
        with open(os.path.join(directory, name)) as f:
            return f.read().split()
    except FileNotFoundError:
        return []


def fault(method, path):
    """What is to happen to this request; each fault is for one."""
    with lock:
        words = said("fault")
        if len(words) == 3 and method == words[0] and path.startswith(words[1]):
            os.rename(os.path.join(directory, "fault"), os.path.join(directory, "fault.met"))
            return words[2]
    return ""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    behind = None

    def log_message(self, *_):
        pass

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in ("connection", "content-length", "transfer-encoding", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def ask_behind(self, body):
        if self.behind is None:
            self.behind = http.client.HTTPConnection(upstream)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")}
        self.behind.request(self.command, self.path, body, headers)
        reply = self.behind.getresponse()
        return reply.status, reply.getheaders(), reply.read()

    def serve(self):
        global came, flying, busy_from, busy_until
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        now = time.monotonic()
        with lock:
            came += 1
            flying += 1
            number, at_once = came, flying
            with open(os.path.join(directory, "came"), "w") as f:
                f.write(str(came))
            busy = said("busy")
            if busy and number == int(busy[0]):
                busy_from, busy_until = now + GRACE, now + float(busy[1]) - HAIR
                refused = True
            else:
                refused = busy_from <= now < busy_until
                if refused:
                    note("early", "%s %s" % (self.command, self.path))
        what = "" if refused else fault(self.command, self.path)
        if refused:
            headers = [("Retry-After", busy[1]), ("Content-Type", "application/json")]
            status, text = 429, b'{"detail":"slow down"}'
        elif said("refuse") == [self.command, self.path]:
            status, headers, text = 400, [("Content-Type", "application/json")], b'{"detail":"not this one"}'
        elif what.startswith("before:"):
            status, headers, text = what[7:], [("Content-Type", "application/json")], b'{"detail":"not now"}'
        else:
            if number % 2:
                time.sleep(HOLD)
            status, headers, text = self.ask_behind(body)
            status = what or status
        with lock:
            flying -= 1
            note("log", "%d %d %s %s %s" % (number, at_once, status, self.command, self.path))
        if what:
            os.rename(os.path.join(directory, "fault.met"), os.path.join(directory, "fault.used"))
        if status == "hang":
            time.sleep(60)
        if status in ("hang", "cut"):
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        self.answer(int(status), headers, text)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = serve


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 64  # more at once would wait a second for their connection
    daemon_threads = True


with open(os.path.join(directory, "came"), "w") as f:
    f.write("0")
server = Server(("127.0.0.1", 0), Handler)
with open(os.path.join(directory, "url.new"), "w") as f:
    f.write("http://127.0.0.1:%d" % server.server_address[1])
os.rename(os.path.join(directory, "url.new"), os.path.join(directory, "url"))
server.serve_forever()
