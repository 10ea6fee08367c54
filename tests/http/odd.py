"""A real HTTP server that answers what a file says, for answers that no healthy API gives.

odd.py DIRECTORY: prints its URL into DIRECTORY/url. Each line of DIRECTORY/answers is "METHOD PATH-PREFIX
STATUS TYPE BODY"; the first whose method and prefix fit a request answers it, none: 404. DIRECTORY/log
gets a line a request."""
import http.server, os, sys

directory = sys.argv[1]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def find(self):
        with open(os.path.join(directory, "answers"), errors="surrogateescape") as f:
            for line in f:
                method, prefix, status, kind, body = line.rstrip("\n").split(" ", 4)
                if method == self.command and self.path.startswith(prefix):
                    return int(status), kind, body.encode(errors="surrogateescape")
        return 404, "application/json", b'{"detail":"nothing"}'

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with open(os.path.join(directory, "log"), "a") as log:
            log.write("%s %s\n" % (self.command, self.path))
        status, kind, body = self.find()
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status != 204:
            self.wfile.write(body)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
with open(os.path.join(directory, "url.new"), "w") as f:
    f.write("http://127.0.0.1:%d" % server.server_address[1])
os.rename(os.path.join(directory, "url.new"), os.path.join(directory, "url"))
server.serve_forever()
