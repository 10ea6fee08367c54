/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The broker's end of MQTT 3.1.1 and 5, as much of it as a subscriber needs. */
#include "feed.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

enum {
	CHUNK = 262144,
	RECORD = 16384,
	IN = 65536,
	MIDS = 65535,
	DEVICES = 1000,
	FIRST = 1760000000
};

/* One PUBLISH whose digits are filled in for each message: one a text of the payload. */
struct packet {
	char bytes[512];
	size_t n, mid;
	struct payload_mark topic, device, index;
};

struct wire {
	const struct feed_opts *o;
	struct ledger *l;
	SSL_CTX *ctx;
	SSL *ssl;
	int listener, fd;
	bool five, connected, subscribed, more;
	struct buf in, out, answers; /* answers wait for the end of what is in `out` */
	size_t at;                   /* of out */
	size_t big_left;             /* of the large payload that streams by */
	size_t cursor, in_flight, window;
	uint32_t by_mid[MIDS + 1];
	int64_t keepalive, heard, began;
	size_t pings, drops, connects;
	struct packet *packets; /* by text of the payload */
};

static struct payload_mark
put_marked(struct packet *f, const char *text, char mark)
{
	struct payload_mark m = payloads_mark(span_of(text), mark);

	m.at += f->n;
	memcpy(f->bytes + f->n, text, strlen(text));
	f->n += strlen(text);
	return m;
}

static void
packet_make(struct packet *f, const struct payload_text *t, bool five, int qos)
{
	const size_t topic = strlen("iot/sensors//data") + strlen(t->id);
	const size_t rest =
	    2 + topic + (qos > 0 ? 2 : 0) + (size_t)five + strlen(t->text);

	f->n = 0;
	f->bytes[f->n++] = (char)(0x30 | qos << 1);
	if (rest > 127)
		f->bytes[f->n++] = (char)(rest | 0x80);
	f->bytes[f->n++] = (char)(rest > 127 ? rest >> 7 : rest);
	f->bytes[f->n++] = 0;
	f->bytes[f->n++] = (char)topic;
	put_marked(f, "iot/sensors/", '@');
	f->topic = put_marked(f, t->id, '@');
	put_marked(f, "/data", '@');
	f->mid = f->n;
	if (qos > 0)
		f->n += 2;
	if (five)
		f->bytes[f->n++] = 0;
	f->index = payloads_mark(span_of(t->text), '#');
	f->index.at += f->n;
	f->device = put_marked(f, t->text, '@');
}

static void
put_mid(char *p, size_t mid)
{
	p[0] = (char)(mid >> 8);
	p[1] = (char)mid;
}

static size_t
mid_of(size_t i)
{
	return i % MIDS + 1;
}

static void
put_packet(struct wire *w, size_t i, bool dup)
{
	struct packet *f = &w->packets[i % w->o->payload->n];

	payloads_fill(f->bytes, f->topic, i % DEVICES + 1);
	payloads_fill(f->bytes, f->device, i % DEVICES + 1);
	payloads_fill(f->bytes, f->index, FIRST + i);
	if (w->o->qos > 0) {
		put_mid(f->bytes + f->mid, mid_of(i));
		f->bytes[0] = (char)((f->bytes[0] & ~8) | (dup ? 8 : 0));
	}
	buf_put(&w->out, f->bytes, f->n);
}

/* The head of a payload too large to keep; the rest streams from fill(). */
static void
put_big(struct wire *w, size_t i)
{
	static const char topic[] = "iot/sensors/DEV_BIG/data";
	size_t rest =
	    2 + sizeof(topic) - 1 + (w->o->qos > 0 ? 2 : 0) + w->five + (size_t)w->o->big;
	char mid[2];

	buf_putc(&w->out, (char)(0x30 | w->o->qos << 1));
	for (; rest > 127; rest >>= 7)
		buf_putc(&w->out, (char)(rest | 0x80));
	buf_putc(&w->out, (char)rest);
	buf_putc(&w->out, 0);
	buf_putc(&w->out, sizeof(topic) - 1);
	buf_put(&w->out, topic, sizeof(topic) - 1);
	put_mid(mid, mid_of(i));
	buf_put(&w->out, mid, w->o->qos > 0 ? 2 : 0);
	if (w->five)
		buf_putc(&w->out, 0);
	w->big_left = (size_t)w->o->big;
}

static void
put_ack(struct buf *out, int head, size_t mid)
{
	char p[4] = {(char)head, 2, (char)(mid >> 8), (char)mid};

	buf_put(out, p, sizeof(p));
}

static bool
may_send(const struct wire *w)
{
	return (w->o->qos == 0 || w->in_flight < w->window) && w->cursor < w->l->n &&
	    (w->subscribed || (w->connected && w->o->eager));
}

int64_t
wire_due(const struct wire *w)
{
	if (w->o->rate == 0 || !may_send(w) || w->began == 0)
		return 0;
	return w->began + (int64_t)w->cursor * 1000000000 / w->o->rate;
}

/* Sends the message under the cursor, or what is left to say about it. */
static void
put_next(struct wire *w, int64_t now)
{
	size_t i = w->cursor++;
	unsigned char *state = &w->l->state[i];

	if (*state == FEED_DONE)
		return;
	w->by_mid[mid_of(i)] = (uint32_t)i;
	if (w->o->qos > 0)
		w->in_flight++;
	if (*state == FEED_HANDED) {
		put_ack(&w->out, 0x62, mid_of(i));
		return;
	}
	if (w->o->big > 0 && i == 0)
		put_big(w, i);
	else
		put_packet(w, i, *state == FEED_SENT);
	if (w->l->sent != NULL)
		w->l->sent[i] = now;
	*state = w->o->qos > 0 ? FEED_SENT : FEED_DONE;
}

static void
stream_big(struct wire *w)
{
	static char block[RECORD];
	size_t n = w->big_left < sizeof(block) ? w->big_left : sizeof(block);

	memset(block, 'x', n);
	buf_put(&w->out, block, n);
	w->big_left -= n;
}

static void
make_packets(struct wire *w)
{
	size_t i;

	for (i = 0; i < w->o->payload->n; i++)
		packet_make(&w->packets[i], &w->o->payload->texts[i], w->five, w->o->qos);
}

/* Composes what goes out next. */
static void
fill(struct wire *w)
{
	size_t chunk = w->o->tls == TLS_PACKET ? 1 : CHUNK;
	int64_t now = feed_now();

	buf_clear(&w->out);
	w->at = 0;
	if (w->big_left > 0) {
		stream_big(w);
		return;
	}
	buf_span(&w->out, buf_as_span(&w->answers));
	buf_clear(&w->answers);
	if (!may_send(w))
		return;
	if (w->began == 0)
		w->began = w->l->first = now;
	make_packets(w);
	while (w->out.n < chunk && w->big_left == 0 && may_send(w) && wire_due(w) <= now)
		put_next(w, now);
}

static void
drop(struct wire *w)
{
	if (w->fd < 0)
		return;
	SSL_free(w->ssl);
	w->ssl = NULL;
	close(w->fd);
	w->fd = -1;
	w->connected = w->subscribed = w->more = false;
	buf_clear(&w->in);
	buf_clear(&w->out);
	buf_clear(&w->answers);
	w->at = w->big_left = w->in_flight = w->cursor = 0;
}

/* As write(2): -1 with EAGAIN when it would block. */
static ssize_t
put_bytes(struct wire *w, const char *p, size_t n)
{
	int done;

	if (w->ssl == NULL)
		return send(w->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	done = SSL_write(w->ssl, p, (int)(n < RECORD ? n : RECORD));
	errno = SSL_get_error(w->ssl, done) == SSL_ERROR_WANT_WRITE ? EAGAIN : EPIPE;
	return done > 0 ? done : -1;
}

static ssize_t
get_bytes(struct wire *w, char *p, size_t n)
{
	int done, why;

	if (w->ssl == NULL)
		return recv(w->fd, p, n, MSG_DONTWAIT);
	done = SSL_read(w->ssl, p, (int)n);
	if (done > 0)
		return done;
	why = SSL_get_error(w->ssl, done);
	errno = why == SSL_ERROR_WANT_READ ? EAGAIN : ECONNRESET;
	return why == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

void
session_wire_write(struct wire *w)
{
	size_t budget = CHUNK;

	while (w->fd >= 0) {
		ssize_t n;

		if (w->at == w->out.n)
			fill(w);
		w->more = w->out.n > 0;
		if (!w->more || budget == 0)
			return;
		n = put_bytes(w, w->out.p + w->at, w->out.n - w->at);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			drop(w);
			return;
		}
		w->at += (size_t)n;
		budget -= budget < (size_t)n ? budget : (size_t)n;
	}
}

static uint32_t
big_endian(const unsigned char *p, size_t n)
{
	uint32_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

/* The Receive Maximum among CONNECT's properties; 65535 when it is not there. */
static uint32_t
receive_maximum(const unsigned char *p, size_t n)
{
	static const struct {
		unsigned char id, size;
	} known[] = {{0x11, 4}, {0x21, 2}, {0x27, 4}, {0x22, 2}, {0x19, 1}, {0x17, 1}};
	size_t i, size;

	while (n > 0) {
		for (i = 0; i < sizeof(known) / sizeof(*known) && known[i].id != *p; i++)
			;
		if (i == sizeof(known) / sizeof(*known))
			break;
		size = known[i].size;
		if (n < 1 + size)
			break;
		if (*p == 0x21)
			return big_endian(p + 1, 2);
		p += 1 + size;
		n -= 1 + size;
	}
	return MIDS;
}

static void
on_connect(struct wire *w, const unsigned char *p, size_t n)
{
	size_t at = 2 + big_endian(p, 2);
	uint32_t most = MIDS;
	bool present;

	if (n < at + 4)
		feed_die("CONNECT is too short");
	w->five = p[at] == 5;
	w->keepalive = (int64_t)big_endian(p + at + 2, 2) * 1500000000;
	if (w->five && n > at + 5)
		most = receive_maximum(
		    p + at + 5, p[at + 4] < n - at - 5 ? p[at + 4] : n - at - 5);
	w->window = w->o->window > 0 && (uint32_t)w->o->window < most
	    ? (size_t)w->o->window
	    : most;
	present = (p[at + 1] & 2) == 0 && (w->o->session || w->connects > 0);
	w->connects++;
	w->connected = true;
	buf_put(&w->answers, w->five ? "\x20\x03" : "\x20\x02", 2);
	buf_putc(&w->answers, present);
	buf_put(&w->answers, "\0\0", w->five ? 2 : 1);
}

static void
on_subscribe(struct wire *w, const unsigned char *p, size_t n)
{
	size_t at = 2 + (w->five ? 1 + (size_t)p[2] : 0), count = 0;
	char codes[64];

	while (at + 3 <= n && count < sizeof(codes)) {
		at += 2 + big_endian(p + at, 2) + 1;
		codes[count++] = (char)(p[at - 1] & 3);
	}
	buf_putc(&w->answers, (char)0x90);
	buf_putc(&w->answers, (char)(2 + w->five + count));
	buf_put(&w->answers, p, 2);
	buf_put(&w->answers, "", w->five);
	buf_put(&w->answers, codes, count);
	w->subscribed = true;
}

static void
on_handed(struct wire *w, size_t i, enum feed_state state)
{
	struct ledger *l = w->l;

	if (l->state[i] < FEED_HANDED) {
		l->handed++;
		l->fresh[l->fresh_n++] = (uint32_t)i;
		if (l->handed == (size_t)w->o->from)
			l->first = w->heard;
	}
	if (l->state[i] < FEED_DONE && state == FEED_DONE) {
		l->done++;
		w->in_flight--;
	}
	l->state[i] = (unsigned char)state;
	l->last = w->heard;
}

static void
on_ack(struct wire *w, int type, const unsigned char *p, size_t n)
{
	size_t mid = n < 2 ? 0 : big_endian(p, 2), i = w->by_mid[mid];
	bool refused = n > 2 && p[2] >= 0x80;

	if (mid == 0 || w->l->state[i] == FEED_NEW)
		feed_die("an acknowledgement of what was not sent");
	if (w->l->state[i] == FEED_DONE)
		return;
	if (type == 5 && !refused)
		put_ack(&w->answers, 0x62, mid);
	on_handed(w, i, type == 5 && !refused ? FEED_HANDED : FEED_DONE);
}

static void
on_packet(struct wire *w, int type, const unsigned char *p, size_t n)
{
	switch (type) {
	case 1: on_connect(w, p, n); break;
	case 4:
	case 5:
	case 7: on_ack(w, type, p, n); break;
	case 8: on_subscribe(w, p, n); break;
	case 12:
		w->pings++;
		buf_put(&w->answers, "\xd0\0", 2);
		break;
	case 14: drop(w); break;
	default: feed_die("a packet that no subscriber sends");
	}
}

static void
parse(struct wire *w)
{
	size_t at = 0;

	while (w->fd >= 0 && w->in.n - at >= 2) {
		const unsigned char *p = (const unsigned char *)w->in.p + at;
		size_t rest = p[1] & 0x7f, head = 2;

		if (p[1] >= 0x80) {
			if (w->in.n - at < 3)
				break;
			rest |= (size_t)p[2] << 7;
			head = 3;
		}
		if (w->in.n - at < head + rest)
			break;
		on_packet(w, p[0] >> 4, p + head, rest);
		at += head + rest;
	}
	if (w->fd >= 0)
		buf_shift(&w->in, at);
}

void
session_wire_read(struct wire *w)
{
	ssize_t n = get_bytes(w, buf_reserve(&w->in, IN), IN);

	w->heard = feed_now();
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(w);
		return;
	}
	w->in.n += (size_t)n;
	parse(w);
}

void
wire_accept(struct wire *w)
{
	int one = 1, fd = accept4(w->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	drop(w);
	w->fd = fd;
	w->heard = feed_now();
	w->keepalive = 0;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (w->ctx != NULL) {
		w->ssl = SSL_new(w->ctx);
		if (w->ssl == NULL || SSL_set_fd(w->ssl, fd) != 1 ||
		    SSL_accept(w->ssl) != 1) {
			drop(w);
			return;
		}
	}
	fcntl(fd, F_SETFL, O_NONBLOCK);
}

void
wire_check_keepalive(struct wire *w)
{
	if (w->fd < 0 || w->keepalive == 0 || feed_now() - w->heard < w->keepalive)
		return;
	drop(w);
	w->drops++;
}

static SSL_CTX *
tls_new(const struct feed_opts *o)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (ctx == NULL || SSL_CTX_use_certificate_chain_file(ctx, o->cert) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, o->key, SSL_FILETYPE_PEM) != 1)
		feed_die("the certificate or its key");
	SSL_CTX_set_mode(
	    ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	return ctx;
}

struct wire *
wire_new(const struct feed_opts *o, struct ledger *l, int *port)
{
	struct wire *w = xcalloc(1, sizeof(*w));
	struct sockaddr_in a = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(a);

	w->o = o;
	w->l = l;
	w->packets = xcalloc(o->payload->n, sizeof(*w->packets));
	w->fd = -1;
	w->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (w->listener < 0 || bind(w->listener, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    listen(w->listener, 4) != 0 ||
	    getsockname(w->listener, (struct sockaddr *)&a, &size) != 0)
		feed_die("listen");
	*port = ntohs(a.sin_port);
	if (o->tls != TLS_NONE)
		w->ctx = tls_new(o);
	return w;
}

void
wire_free(struct wire *w)
{
	drop(w);
	close(w->listener);
	SSL_CTX_free(w->ctx);
	buf_release(&w->in);
	buf_release(&w->out);
	buf_release(&w->answers);
	free(w->packets);
	free(w);
}

int
wire_listener(const struct wire *w)
{
	return w->listener;
}

int
session_wire_fd(const struct wire *w)
{
	return w->fd;
}

bool
session_wire_wants_write(const struct wire *w)
{
	return w->more;
}

bool
wire_subscribed(const struct wire *w)
{
	return w->subscribed;
}

bool
wire_all_sent(const struct wire *w)
{
	return w->cursor == w->l->n && w->at == w->out.n && w->big_left == 0;
}

void
wire_sums(const struct wire *w, size_t *pings, size_t *drops, size_t *connects)
{
	*pings = w->pings;
	*drops = w->drops;
	*connects = w->connects;
}
