"""EMQX 5's GET /api/v5/clients as a real HTTP server: HTTP Basic with an API key, pages of at most 10,000,
meta with hasnext, disconnected_at only when offline, HTML for unknown paths.

emqx.py DIRECTORY KEY:SECRET: prints its URL into DIRECTORY/url. DIRECTORY/clients has a client a line,
"CLIENTID USERNAME connected|disconnected TIME"; it is read again for each request."""
import base64, http.server, json, os, sys
from urllib.parse import parse_qs, urlsplit

directory, key = sys.argv[1], sys.argv[2]
wanted = "Basic " + base64.b64encode(key.encode()).decode()


def clients():
    for line in open(os.path.join(directory, "clients")):
        clientid, username, state, when = line.split()
        client = {"clientid": clientid, "username": username, "connected": state == "connected",
                  "connected_at": when, "ip_address": "10.0.0.7", "port": 51234, "proto_ver": 5,
                  "keepalive": 60, "node": "emqx@127.0.0.1"}
        if not client["connected"]:
            client["disconnected_at"] = when
        yield client


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, kind="application/json"):
        body = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        url = urlsplit(self.path)
        query = {k: v[-1] for k, v in parse_qs(url.query).items()}
        authorization = self.headers.get("Authorization")
        if url.path != "/api/v5/clients":
            return self.answer(404, "<html><body>404 Not Found</body></html>", "text/html")
        if authorization is None:
            return self.answer(401, json.dumps({"code": "AUTHORIZATION_HEADER_ERROR",
                                                "message": "Support authorization: basic/bearer "}))
        if authorization != wanted:
            return self.answer(401, json.dumps({"code": "BAD_API_KEY_OR_SECRET",
                                                "message": "Check api_key/api_secret"}))
        page, limit = int(query.get("page", 1)), int(query.get("limit", 100))
        if not 1 <= limit <= 10000 or page < 1:
            return self.answer(400, json.dumps({"code": "BAD_REQUEST", "message": json.dumps(
                {"kind": "validation_error"})}))
        everyone = list(clients())
        end = page * limit
        self.answer(200, json.dumps({"data": everyone[end - limit:end], "meta": {
            "page": page, "limit": limit, "count": len(everyone), "hasnext": end < len(everyone)}}))


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
with open(os.path.join(directory, "url.new"), "w") as f:
    f.write("http://127.0.0.1:%d" % server.server_address[1])
os.rename(os.path.join(directory, "url.new"), os.path.join(directory, "url"))
server.serve_forever()
