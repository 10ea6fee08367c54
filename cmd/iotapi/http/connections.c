/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/http/connections.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

/* Descriptors of the database, of brokers and of the process itself. */
enum { FILES_BESIDE = 256, BYTES_A_MS = 32 };

static const int64_t limit_ms[] = {
    [CONNECTION_HEAD] = 10000,
    [CONNECTION_BODY] = 30000,
    [CONNECTION_SERVED] = INT64_MAX,
    [CONNECTION_WAITING] = INT64_MAX,
    [CONNECTION_SENT] = 30000,
    [CONNECTION_IDLE] = 30000,
};

struct connection {
	int fd;
	struct in6_addr from;
	enum connection_state state;
	int64_t until; /* clock_ms */
	int64_t since;
	bool closing; /* shut down, and not removed yet */
	struct connection *next;
};

struct connections {
	pthread_mutex_t lock;
	struct connection *first; /* the newest */
	size_t n;                 /* without those that are closing */
	size_t most;
	bool limited;
	struct in6_addr *proxies;
	size_t proxies_n;
};

/* IPv4 as IPv6 maps it. */
static struct in6_addr
map_v4(const struct in_addr *v4)
{
	struct in6_addr to = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

	memcpy(to.s6_addr + 12, v4, sizeof(*v4));
	return to;
}

static struct in6_addr
address_of(const struct sockaddr *from)
{
	if (from->sa_family == AF_INET6)
		return ((const struct sockaddr_in6 *)(const void *)from)->sin6_addr;
	return map_v4(&((const struct sockaddr_in *)(const void *)from)->sin_addr);
}

/* Whether both count as one: the same IPv4 address, or the same half of an IPv6 one, all of which is one site's. */
static bool
is_same_site(const struct in6_addr *a, const struct in6_addr *b)
{
	return memcmp(a, b, IN6_IS_ADDR_V4MAPPED(a) ? sizeof(*a) : sizeof(*a) / 2) == 0;
}

static int
add_proxy(struct connections *c, const char *text, struct err *err)
{
	struct in6_addr address;
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1)
		address = map_v4(&v4);
	else if (inet_pton(AF_INET6, text, &address) != 1)
		return err_set(err, ERR_USAGE,
		    _("--proxy: '%s' is no address, such as 192.0.2.7 or 2001:db8::7"),
		    text);
	c->proxies = xreallocarray(c->proxies, c->proxies_n + 1, sizeof(address));
	c->proxies[c->proxies_n++] = address;
	return 0;
}

/* As many slots as there are descriptors for. */
static size_t
count_slots(void)
{
	const rlim_t wanted = CONNECTIONS_MOST + FILES_BESIDE;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return CONNECTIONS_MOST;
	if (limit.rlim_cur < wanted) {
		limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
		setrlimit(RLIMIT_NOFILE, &limit);
		getrlimit(RLIMIT_NOFILE, &limit);
	}
	if (limit.rlim_cur >= wanted)
		return CONNECTIONS_MOST;
	return limit.rlim_cur > 2 * FILES_BESIDE ? limit.rlim_cur - FILES_BESIDE
						 : limit.rlim_cur / 2;
}

int
connections_new(
    struct connections **out, const struct connections_opts *opts, struct err *err)
{
	struct connections *c = xcalloc(1, sizeof(*c));
	size_t i;

	*out = NULL;
	pthread_mutex_init(&c->lock, NULL);
	c->limited = opts->limited;
	c->most = count_slots();
	for (i = 0; i < opts->proxies->n; i++) {
		if (add_proxy(c, opts->proxies->v[i], err)) {
			connections_free(c);
			return -1;
		}
	}
	*out = c;
	return 0;
}

void
connections_free(struct connections *c)
{
	if (c == NULL)
		return;
	pthread_mutex_destroy(&c->lock);
	free(c->proxies);
	free(c);
}

static bool
is_limited(const struct connections *c, const struct in6_addr *from)
{
	size_t i;

	for (i = 0; i < c->proxies_n; i++) {
		if (memcmp(&c->proxies[i], from, sizeof(*from)) == 0)
			return false;
	}
	return c->limited;
}

bool
connections_may_come(struct connections *c, const struct sockaddr *from)
{
	const struct in6_addr address = address_of(from);
	const struct connection *l;
	size_t n = 0;

	if (!is_limited(c, &address))
		return true;
	pthread_mutex_lock(&c->lock);
	for (l = c->first; l != NULL; l = l->next)
		n += is_same_site(&l->from, &address);
	pthread_mutex_unlock(&c->lock);
	return n < CONNECTIONS_OF_ADDRESS;
}

bool
connections_wait(struct connections *c, struct connection *connection)
{
	const bool limited = is_limited(c, &connection->from);
	const struct connection *l;
	size_t n = 0;
	bool may;

	pthread_mutex_lock(&c->lock);
	for (l = c->first; l != NULL && limited; l = l->next)
		n += l->state == CONNECTION_WAITING &&
		    is_same_site(&l->from, &connection->from);
	may = n < CONNECTIONS_WAITING;
	if (may)
		connection->state = CONNECTION_WAITING;
	pthread_mutex_unlock(&c->lock);
	return may;
}

static void
close_it(struct connections *c, struct connection *l)
{
	shutdown(l->fd, SHUT_RDWR);
	l->closing = true;
	c->n--;
}

static bool
is_answered(const struct connection *l)
{
	return l->state == CONNECTION_SERVED || l->state == CONNECTION_WAITING ||
	    l->state == CONNECTION_SENT;
}

/* The one that has waited longest; when all are served there is none, and the new one stays all the same. */
static void
make_room(struct connections *c)
{
	struct connection *l, *oldest = NULL;

	for (l = c->first; l != NULL; l = l->next) {
		if (!l->closing && !is_answered(l) &&
		    (oldest == NULL || l->since <= oldest->since))
			oldest = l;
	}
	if (oldest != NULL)
		close_it(c, oldest);
}

struct connection *
connections_add(struct connections *c, int fd, const struct sockaddr *from)
{
	struct connection *l = xcalloc(1, sizeof(*l));
	const int64_t now = clock_ms();

	*l = (struct connection){.fd = fd,
	    .from = address_of(from),
	    .state = CONNECTION_HEAD,
	    .since = now,
	    .until = now + limit_ms[CONNECTION_HEAD]};
	pthread_mutex_lock(&c->lock);
	if (c->n >= c->most)
		make_room(c);
	l->next = c->first;
	c->first = l;
	c->n++;
	pthread_mutex_unlock(&c->lock);
	return l;
}

void
connections_remove(struct connections *c, struct connection *connection)
{
	struct connection **at;

	pthread_mutex_lock(&c->lock);
	for (at = &c->first; *at != connection; at = &(*at)->next)
		;
	*at = connection->next;
	c->n -= !connection->closing;
	pthread_mutex_unlock(&c->lock);
	free(connection);
}

void
connections_set(struct connections *c, struct connection *connection,
    enum connection_state state, size_t bytes)
{
	const int64_t limit = limit_ms[state];

	pthread_mutex_lock(&c->lock);
	if (connection->state != state) {
		connection->state = state;
		connection->since = clock_ms();
		connection->until = limit == INT64_MAX
		    ? limit
		    : connection->since + limit + (int64_t)(bytes / BYTES_A_MS);
	}
	pthread_mutex_unlock(&c->lock);
}

void
connections_sweep(struct connections *c)
{
	const int64_t now = clock_ms();
	struct connection *l;

	pthread_mutex_lock(&c->lock);
	for (l = c->first; l != NULL; l = l->next) {
		if (!l->closing && now > l->until)
			close_it(c, l);
	}
	pthread_mutex_unlock(&c->lock);
}

bool
connections_any_served(struct connections *c)
{
	const struct connection *l;
	bool any = false;

	pthread_mutex_lock(&c->lock);
	for (l = c->first; l != NULL; l = l->next)
		any = any || (!l->closing && is_answered(l));
	pthread_mutex_unlock(&c->lock);
	return any;
}
