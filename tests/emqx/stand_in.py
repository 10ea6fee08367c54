#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""EMQX 5.8 for tests: its management API as far as broker sync uses it, and an MQTT listener that does as that says.

stand_in.py DIRECTORY KEY:SECRET. DIRECTORY/url gets the URL of the API, DIRECTORY/port the port of MQTT (QoS 0 and 1, MQTT 5
and 3.1.1); DIRECTORY/log "METHOD PATH" of each request. DIRECTORY/fault with "METHOD PATH-PREFIX N" makes the Nth request
that fits from then on, and all that follow, an error 500 with an Erlang term that holds the request's Authorization header, as
EMQX does. Answers, error bodies included, are those measured on EMQX 5.8.9; a new one knows no authenticator, has an acl.conf that
allows everybody everything, and no_match = allow. EMQX_NO_DEFAULT in the environment: admin/public is refused."""
import asyncio, base64, hashlib, json, os, re, secrets, sys
from datetime import datetime, timezone
from urllib.parse import parse_qs, unquote, urlsplit

directory, key = sys.argv[1:3]
AUTH_ID, SOURCE = "password_based:built_in_database", "built_in_database"
authenticator = None
users = {}  # user_id: {"hash", "salt", "is_superuser"}
sources = [{"type": "file", "enable": True, "rules": "%% default\n{allow, {username, {re, \"^dashboard$\"}}, subscribe, [\"$SYS/#\"]}.\n"
            "{allow, {ipaddr, \"127.0.0.1\"}, all, [\"$SYS/#\", \"#\"]}.\n{allow, all}.\n"}]
rules = {}  # username: [rule]
settings = {"no_match": "allow", "deny_action": "ignore", "cache": {"enable": True, "excludes": [], "max_size": 32, "ttl": "1m"}}
zone = {"mqtt": {"max_inflight": 32, "max_mqueue_len": 1000, "mqueue_store_qos0": True, "session_expiry_interval": "2h"}}
clients = {}  # clientid: Client
MAX_RULES = 100


class Answer(Exception):
    def __init__(self, status, body=None, headers=()):
        self.status, self.body, self.headers = status, body, list(headers)


def refuse(status, code, message, headers=()):
    raise Answer(status, {"code": code, "message": message}, headers)


def bad(message):
    refuse(400, "BAD_REQUEST", message)


def missing(path, kind="required_field", **more):
    bad(json.dumps({"reason": kind, "path": path, "kind": "validation_error", **more}))


# Users

def digest(password, salt):
    algorithm = authenticator["password_hash_algorithm"]
    if algorithm["name"] == "pbkdf2":
        return hashlib.pbkdf2_hmac(algorithm["mac_fun"], password.encode(), salt.encode(), algorithm["iterations"],
                                   algorithm.get("dk_length", 64)).hex()
    text = salt + password if algorithm.get("salt_position") == "prefix" else password + salt
    return hashlib.new(algorithm["name"], text.encode()).hexdigest()


def set_password(user, password, superuser):
    salt = secrets.token_hex(16)
    users[user] = {"hash": digest(password, salt), "salt": salt, "is_superuser": superuser}


def shown(user):
    return {"is_superuser": users[user]["is_superuser"], "user_id": user}


def need_authenticator():
    if authenticator is None:
        refuse(404, "NOT_FOUND", "Authenticator not found in the 'global' scope")


def page_of(items, query, show=lambda x: x):
    try:
        page, limit = int(query.get("page", ["1"])[0]), int(query.get("limit", ["100"])[0])
    except ValueError:
        page = 0
    if page < 1 or not 1 <= limit <= 10000:
        bad(json.dumps({"kind": "validation_error"}))
    end = page * limit
    raise Answer(200, {"data": [show(x) for x in items[end - limit:end]],
                       "meta": {"count": len(items), "hasnext": end < len(items), "limit": limit, "page": page}})


def authentication(method, query, body):
    global authenticator
    if method == "GET":
        raise Answer(200, [authenticator] if authenticator else [])
    if body.get("password_hash_algorithm", {}).get("name") is None:
        missing("authentication.password_hash_algorithm.name")
    if authenticator is not None:
        refuse(409, "ALREADY_EXISTS", "Authenticator '%s' already exists" % AUTH_ID)
    authenticator = {"id": AUTH_ID, "backend": SOURCE, "bootstrap_file": "", "bootstrap_type": "plain", "enable": True,
                     **{k: v for k, v in body.items()}}
    raise Answer(200, authenticator)


def one_authenticator(method, query, body, name):
    global authenticator
    if name != AUTH_ID or authenticator is None:
        refuse(404, "NOT_FOUND", "Authenticator '%s' does not exist" % name)
    if method == "PUT":
        authenticator = {**authenticator, **body}
        raise Answer(204)
    if method == "DELETE":
        authenticator = None
        users.clear()
        raise Answer(204)
    raise Answer(200, authenticator)


def all_users(method, query, body, name):
    need_authenticator()
    if method == "GET":
        page_of(list(reversed(users)), query, shown)
    for field in ("user_id", "password"):
        if field not in body:
            missing("root." + field)
    unknown = set(body) - {"user_id", "password", "is_superuser"}
    if unknown:
        missing("root", "unknown_fields", unknown=",".join(sorted(unknown)))
    if body["user_id"] == "":
        bad("User error: invalid_user_id")
    if body["user_id"] in users:
        refuse(409, "ALREADY_EXISTS", "User already exists")
    set_password(body["user_id"], body["password"], body.get("is_superuser", False))
    raise Answer(201, shown(body["user_id"]))


def one_user(method, query, body, name, user):
    need_authenticator()
    if user not in users:
        refuse(404, "NOT_FOUND", "User not found")
    if method == "DELETE":
        del users[user]
        raise Answer(204)
    if method == "PUT":
        if "password" not in body:
            missing("root.password")
        set_password(user, body["password"], body.get("is_superuser", users[user]["is_superuser"]))
    raise Answer(200, shown(user))


def import_users(method, query, body, name):
    need_authenticator()
    if not isinstance(body, list):
        bad("Missing required parameter: filename")
    hashed = query.get("type", ["hash"])[0] == "hash"
    if hashed and any("password_hash" not in u for u in body):
        bad("hash_import_requires_password_hash_field")
    if any(not u.get("user_id") for u in body):
        bad("bad_format")
    before, over = len(users), 0
    for u in body:
        over += u["user_id"] in users
        if hashed:
            users[u["user_id"]] = {"hash": u["password_hash"], "salt": u["salt"], "is_superuser": u.get("is_superuser", False)}
        else:
            set_password(u["user_id"], u["password"], u.get("is_superuser", False))
    raise Answer(200, {"total": len(body), "success": len(users) - before, "override": over, "skipped": 0, "failed": 0})


# Rules

def find_source(kind):
    for s in sources:
        if s["type"] == kind:
            return s
    refuse(404, "NOT_FOUND", "Not found: " + kind)


def all_sources(method, query, body):
    if method == "GET":
        raise Answer(200, {"sources": sources})
    if any(s["type"] == body.get("type") for s in sources):
        bad("{duplicated_authz_source_type,%s}" % body.get("type"))
    sources.insert(0, {"enable": body.get("enable", True), "max_rules": MAX_RULES, "type": body["type"]})
    raise Answer(204)


def one_source(method, query, body, kind):
    source = find_source(kind)
    if method == "PUT":
        if kind == "file" and body["rules"].count("{") != body["rules"].count("}"):
            bad('{bad_acl_file_content,{1,erl_parse,["syntax error before: ",[]]}}')
        source.update(body)
        raise Answer(204)
    if method == "DELETE":
        sources.remove(source)
        raise Answer(204)
    raise Answer(200, source)


def move_source(method, query, body, kind):
    source, where = find_source(kind), body.get("position", "")
    if where not in ("front", "rear") and not re.fullmatch("(before|after):.+", where):
        bad(json.dumps({"kind": "validation_error"}))
    sources.remove(source)
    sources.insert(0 if where == "front" else len(sources), source)
    raise Answer(204)


def take_rules(user, given):
    out = []
    if len(given) > MAX_RULES:
        bad("The rules length of User '%s' exceeds the maximum limit." % user)
    for r in given:
        for field, words in (("permission", ("allow", "deny")), ("action", ("publish", "subscribe", "all"))):
            if r.get(field) not in words:
                missing("root.rules." + field, "not_a_enum_symbol", value=r.get(field))
        qos, retain = r.get("qos", [0, 1, 2]), r.get("retain", "all")
        if not isinstance(qos, list):
            missing("root.rules.qos", "expected_data_type")
        if not isinstance(retain, bool) and retain != "all":
            missing("root.rules.retain", "not_a_enum_symbol", value=retain)
        out.append({"action": r["action"], "permission": r["permission"], "qos": qos, "retain": retain, "topic": r["topic"]})
    return out


def all_rules(method, query, body):
    find_source(SOURCE)
    if method == "GET":
        page_of(list(rules), query, lambda u: {"username": u, "rules": rules[u]})
    if not isinstance(body, list):
        missing("root", "expected_data_type")
    for one in body:
        if one["username"] in rules:
            refuse(409, "ALREADY_EXISTS", "User '%s' already exist" % one["username"])
    taken = {one["username"]: take_rules(one["username"], one["rules"]) for one in body}
    rules.update(taken)
    raise Answer(204)


def one_rules(method, query, body, user):
    find_source(SOURCE)
    if method == "PUT":
        if "username" not in body:
            missing("root.username")
        if body["username"] != user:
            raise Answer(500, None)
        rules[user] = take_rules(user, body["rules"])
        raise Answer(204)
    if user not in rules:
        refuse(404, "NOT_FOUND", "Username Not Found" if method == "DELETE" else "Not Found")
    if method == "DELETE":
        del rules[user]
        raise Answer(204)
    raise Answer(200, {"username": user, "rules": rules[user]})


def purge_rules(method, query, body):
    if find_source(SOURCE)["enable"]:
        bad("'built_in_database' type source must be disabled before purge.")
    rules.clear()
    raise Answer(204)


def all_settings(method, query, body):
    if method == "PUT":
        if body.get("no_match") not in ("allow", "deny"):
            missing("root.no_match", "not_a_enum_symbol", value=body.get("no_match"))
        settings.update(body)
    raise Answer(200, settings)


def drop_cache(method, query, body, clientid=None):
    if clientid is not None and clientid not in clients:
        refuse(404, "CLIENTID_NOT_FOUND", "Client ID not found")
    for c in clients.values():
        if clientid in (None, c.clientid):
            c.cache.clear()
    raise Answer(204)


# Clients

def shown_client(c):
    return {"clientid": c.clientid, "username": c.username, "connected": True, "connected_at": c.since,
            "created_at": c.since, "ip_address": "127.0.0.1", "port": 50000, "listener": "tcp:default",
            "proto_name": "MQTT", "proto_ver": c.version, "keepalive": 60, "clean_start": True, "node": "emqx@127.0.0.1"}


def all_clients(method, query, body):
    some = [shown_client(c) for c in clients.values()]
    for field in ("clientid", "username"):
        if field in query:
            some = [c for c in some if c[field] in query[field]]
    if query.get("conn_state", ["connected"])[0] not in ("connected", "idle", "disconnected"):
        bad(json.dumps({"kind": "validation_error"}))
    if query.get("conn_state") == ["disconnected"]:
        some = []
    if "fields" in query:
        wanted = query["fields"][0].split(",")
        some = [{k: v for k, v in c.items() if k in wanted} for c in some]
    page_of(some, query)


def one_client(method, query, body, clientid):
    if clientid not in clients:
        refuse(404, "CLIENTID_NOT_FOUND", "Client ID not found")
    if method == "DELETE":
        clients[clientid].kick()
        raise Answer(204)
    raise Answer(200, shown_client(clients[clientid]))


def kick_all(method, query, body):
    for clientid in body:
        if clientid in clients:
            clients[clientid].kick()
    raise Answer(204)


def login(method, query, body):
    if "EMQX_NO_DEFAULT" in os.environ or (body.get("username"), body.get("password")) != ("admin", "public"):
        refuse(401, "BAD_USERNAME_OR_PWD", "Auth failed")
    raise Answer(200, {"license": {"edition": "ce"}, "token": "eyJ", "version": "5.8.9"})


def global_zone(method, query, body):
    if method == "PUT":
        zone.update(body)
    raise Answer(200, zone)


ROUTES = [(re.compile("/api/v5" + path), methods, fn) for path, methods, fn in (
    ("/login", "POST", login),
    ("/authentication", "GET POST", authentication),
    ("/authentication/([^/]+)", "GET PUT DELETE", one_authenticator),
    ("/authentication/([^/]+)/users", "GET POST", all_users),
    ("/authentication/([^/]+)/users/([^/]+)", "GET PUT DELETE", one_user),
    ("/authentication/([^/]+)/import_users", "POST", import_users),
    ("/authorization/sources", "GET POST", all_sources),
    ("/authorization/sources/built_in_database/rules/users", "GET POST", all_rules),
    ("/authorization/sources/built_in_database/rules/users/([^/]+)", "GET PUT DELETE", one_rules),
    ("/authorization/sources/built_in_database/rules", "DELETE", purge_rules),
    ("/authorization/sources/([^/]+)", "GET PUT DELETE", one_source),
    ("/authorization/sources/([^/]+)/move", "POST", move_source),
    ("/authorization/settings", "GET PUT", all_settings),
    ("/authorization/cache", "DELETE", drop_cache),
    ("/clients", "GET", all_clients),
    ("/clients/kickout/bulk", "POST", kick_all),
    ("/clients/([^/]+)", "GET DELETE", one_client),
    ("/clients/([^/]+)/authorization/cache", "DELETE", drop_cache),
    ("/configs/global_zone", "GET PUT", global_zone))]
BASIC = "Basic " + base64.b64encode(key.encode()).decode()
fault_seen = 0


def is_fault(method, path):
    global fault_seen
    try:
        words = open(os.path.join(directory, "fault")).read().split()
    except FileNotFoundError:
        fault_seen = 0
        return False
    fault_seen += method == words[0] and path.startswith(words[1])
    return fault_seen >= int(words[2]) and method == words[0] and path.startswith(words[1])


def respond(method, target, headers, body):
    url = urlsplit(target)
    realm = [("WWW-Authenticate", 'Basic Realm="emqx-dashboard"')]
    given = headers.get("authorization")
    if url.path != "/api/v5/login":
        if given is None:
            refuse(401, "AUTHORIZATION_HEADER_ERROR", "Support authorization: basic/bearer ", realm)
        if given != BASIC:
            refuse(401, "BAD_API_KEY_OR_SECRET", "Check api_key/api_secret", realm)
    if is_fault(method, url.path):
        refuse(500, "INTERNAL_ERROR", "{error,{badmap,[{headers,#{<<\"authorization\">> => <<\"%s\">>}}]}}" % given)
    for path, methods, fn in ROUTES:
        hit = path.fullmatch(url.path)
        if not hit:
            continue
        if method not in methods.split():
            raise Answer(405)
        value = None
        if method in ("POST", "PUT"):
            try:
                value = json.loads(body)
            except ValueError:
                bad("Invalid json message received")
        fn(method, parse_qs(url.query), value, *[unquote(g) for g in hit.groups()])
    refuse(404, "NOT_FOUND", "Request Path Not Found")


async def serve_http(reader, writer):
    log = open(os.path.join(directory, "log"), "a", buffering=1)
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, target, _ = head[0].split(" ")
            headers = {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in head[1:] if ":" in line)}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            log.write("%s %s\n" % (method, target))
            try:
                respond(method, target, headers, body)
            except Answer as a:
                text = b"" if a.body is None else json.dumps(a.body).encode()
                lines = ["HTTP/1.1 %d X" % a.status] + ["%s: %s" % h for h in a.headers]
                lines += ["Content-Type: application/json", "Content-Length: %d" % len(text)] if a.status != 204 else []
                writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + text)
                await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        log.close()
        writer.close()


# MQTT

def matches(name, filter):
    if name.startswith("$") and filter[:1] in ("+", "#"):
        return False
    n, f = name.split("/"), filter.split("/")
    for i, word in enumerate(f):
        if word == "#":
            return True
        if i >= len(n) or (word != "+" and word != n[i]):
            return False
    return len(n) == len(f)


def topic_fits(topic, rule, client):
    rule = rule.replace("${clientid}", client.clientid).replace("${username}", client.username)
    return topic == rule[3:] if rule.startswith("eq ") else matches(topic, rule)


def decide(client, action, topic, qos, retain):
    if users.get(client.username, {}).get("is_superuser"):
        return True
    topic = re.sub(r"^\$share/[^/]+/|^\$queue/", "", topic)
    for source in sources:
        if not source["enable"]:
            continue
        if source["type"] == "file":  # a real one reads it; here it allows all or nothing
            if "{allow, all}" in source["rules"]:
                return True
            continue
        for r in rules.get(client.username, []):
            if r["action"] in (action, "all") and qos in r["qos"] and topic_fits(topic, r["topic"], client) and \
                    (action == "subscribe" or r["retain"] in ("all", retain)):
                return r["permission"] == "allow"
    return settings["no_match"] == "allow"


class Client:
    def __init__(self, reader, writer):
        self.reader, self.writer, self.cache, self.filters = reader, writer, {}, {}
        self.clientid, self.username, self.version, self.will = "", "", 4, None

    async def packet(self):
        head = (await self.reader.readexactly(1))[0]
        n = shift = 0
        while True:
            b = (await self.reader.readexactly(1))[0]
            n |= (b & 127) << shift
            shift += 7
            if b < 128:
                return head, await self.reader.readexactly(n)

    def send(self, head, body):
        n, size = len(body), bytearray()
        while True:
            size.append(n & 127 | (128 if n > 127 else 0))
            n >>= 7
            if n == 0:
                break
        self.writer.write(bytes([head]) + bytes(size) + body)

    def kick(self):
        if self.version == 5:
            self.send(0xE0, b"\x98\0")
        clients.pop(self.clientid, None)
        self.writer.close()

    def may(self, action, topic, qos, retain=False):
        asked = (action, topic, qos, retain)
        if asked not in self.cache:
            self.cache[asked] = decide(self, action, topic, qos, retain)
        return self.cache[asked]

    def text(self, body, at):
        n = int.from_bytes(body[at:at + 2], "big")
        return body[at + 2:at + 2 + n], at + 2 + n

    def skip(self, body, at):
        """Properties, of less than 128 bytes."""
        return at + 1 + body[at] if self.version == 5 else at

    def check(self, named, password):
        """(MQTT 3.1.1's code, MQTT 5's) of a login."""
        if authenticator is None or not authenticator["enable"]:
            return 0, 0
        if not named:
            return 4, 134
        if self.username not in users:
            return 5, 135
        user = users[self.username]
        return (0, 0) if digest(password.decode(), user["salt"]) == user["hash"] else (4, 134)

    def connect(self, body):
        self.version, flags = body[6], body[7]
        ident, at = self.text(body, self.skip(body, 10))
        self.clientid = ident.decode() or secrets.token_hex(8)
        password = b""
        if flags & 4:
            topic, at = self.text(body, self.skip(body, at))
            payload, at = self.text(body, at)
            self.will = (topic.decode(), payload, bool(flags & 32))
        if flags & 128:
            name, at = self.text(body, at)
            self.username = name.decode()
        if flags & 64:
            password, at = self.text(body, at)
        code = self.check(bool(flags & 128), password)[self.version == 5]
        self.send(0x20, bytes([0, code]) + (b"\0" if self.version == 5 else b""))
        if code == 0:
            old = clients.pop(self.clientid, None)
            if old:
                old.writer.close()
            clients[self.clientid] = self
            self.since = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        return code == 0

    def publish(self, head, body):
        name, at = self.text(body, 0)
        topic, qos, retain = name.decode(), head >> 1 & 3, bool(head & 1)
        ident, at = (body[at:at + 2], at + 2) if qos else (b"", at)
        at = self.skip(body, at)
        allowed = self.may("publish", topic, qos, retain)
        if not allowed and settings["deny_action"] == "disconnect":
            if self.version == 5:
                self.send(0xE0, b"\x87\0")
            raise ConnectionError
        if allowed:
            deliver(topic, body[at:], retain)
        if qos:
            self.send(0x40 if qos == 1 else 0x50, ident + (b"\x87\0" if self.version == 5 and not allowed else b""))

    def subscribe(self, body):
        at, codes = self.skip(body, 2), bytearray()
        while at < len(body):
            name, at = self.text(body, at)
            topic, qos = name.decode(), body[at] & 3
            at += 1
            if self.may("subscribe", topic, qos):
                self.filters[topic] = qos
                codes.append(min(qos, 1))
                for retained, payload in list(kept.items()):
                    if matches(retained, topic):
                        self.message(retained, payload, True)
            else:
                codes.append(135 if self.version == 5 else 128)
        self.send(0x90, body[:2] + (b"\0" if self.version == 5 else b"") + bytes(codes))

    def message(self, topic, payload, retain):
        name = topic.encode()
        self.send(0x31 if retain else 0x30, len(name).to_bytes(2, "big") + name + (b"\0" if self.version == 5 else b"") + payload)

    def handle(self, head, body):
        kind = head >> 4
        if kind == 3:
            self.publish(head, body)
        elif kind == 6:
            self.send(0x70, body[:2])
        elif kind == 8:
            self.subscribe(body)
        elif kind == 10:
            self.send(0xB0, body[:2] + (b"\0\0" if self.version == 5 else b""))
        elif kind == 12:
            self.send(0xD0, b"")
        return kind != 14

    async def run(self):
        clean = False
        try:
            head, body = await self.packet()
            going = head >> 4 == 1 and self.connect(body)
            while going:
                head, body = await self.packet()
                going = self.handle(head, body)
                clean = not going
                await self.writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            if clients.get(self.clientid) is self:
                del clients[self.clientid]
                if self.will and not clean:
                    deliver(*self.will)
            self.writer.close()


kept = {}


def deliver(topic, payload, retain):
    if retain:
        kept[topic] = payload
        if not payload:
            del kept[topic]
    for c in list(clients.values()):
        if any(matches(topic, f) for f in c.filters):
            c.message(topic, payload, False)


async def main():
    http = await asyncio.start_server(serve_http, "127.0.0.1", 0, limit=1 << 26)
    mqtt = await asyncio.start_server(lambda r, w: Client(r, w).run(), "127.0.0.1", 0)
    for name, text in (("port", "%d" % mqtt.sockets[0].getsockname()[1]),
                       ("url", "http://127.0.0.1:%d" % http.sockets[0].getsockname()[1])):
        with open(os.path.join(directory, name + ".new"), "w") as f:
            f.write(text)
        os.rename(os.path.join(directory, name + ".new"), os.path.join(directory, name))
    await asyncio.gather(http.serve_forever(), mqtt.serve_forever())


asyncio.run(main())
