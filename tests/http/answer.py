"""A real HTTP server that answers what a directory says, for what no healthy API does.

answer.py DIRECTORY: prints its URL into DIRECTORY/url. A GET of /api/mqtt/device-status/ is answered with
DIRECTORY/answer: the first line a status, then the body; other paths with DIRECTORY/NAME, where NAME is
the path's last word. A status of "slow" never answers, "half" breaks off in the middle of the body.
DIRECTORY/log gets a line a request."""
import http.server, os, sys, time

directory = sys.argv[1]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        name = self.path.split("?")[0].rstrip("/").rsplit("/", 1)[-1]
        name = "answer" if name == "device-status" else name
        with open(os.path.join(directory, "log"), "a") as log:
            log.write(self.path + "\n")
        try:
            with open(os.path.join(directory, name), "rb") as f:
                status, body = f.read().split(b"\n", 1)
        except FileNotFoundError:
            status, body = b"404", b"<!doctype html><title>Not Found</title>"
        if status == b"slow":
            time.sleep(30)
            return
        self.send_response(200 if status == b"half" else int(status))
        kind = "text/html" if body.startswith(b"<") else "application/json"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status == b"half":
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.connection.close()
            self.close_connection = True
        else:
            self.wfile.write(body)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
with open(os.path.join(directory, "url.new"), "w") as f:
    f.write("http://127.0.0.1:%d" % server.server_address[1])
os.rename(os.path.join(directory, "url.new"), os.path.join(directory, "url"))
server.serve_forever()
