/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mqtt/connect/candidates.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void
candidates_open(struct candidates *c, unsigned brokers, unsigned first)
{
	*c = (struct candidates){.brokers = brokers, .broker = first};
}

void
candidates_release(struct candidates *c)
{
	strv_release(&c->addresses);
	free(c->bad_address);
	*c = (struct candidates){0};
}

static void
forget_addresses(struct candidates *c)
{
	strv_release(&c->addresses);
	c->address = 0;
}

static void
go_to_next(struct candidates *c)
{
	c->broker = (c->broker + 1) % c->brokers;
}

void
candidates_begin(struct candidates *c)
{
	c->left = c->brokers - 1;
	if (c->bad)
		go_to_next(c);
	c->bad = false;
	forget_addresses(c);
}

bool
candidates_next_broker(struct candidates *c)
{
	if (c->left == 0)
		return false;
	c->left--;
	go_to_next(c);
	forget_addresses(c);
	return true;
}

/* Where in the list to begin. */
static size_t
first_of(const struct candidates *c, const struct strv *addresses, uint64_t anywhere)
{
	size_t i = 0;

	if (addresses->n == 0)
		return 0;
	if (c->bad_address == NULL)
		return (size_t)(anywhere % addresses->n);
	while (i < addresses->n && strcmp(addresses->v[i], c->bad_address) != 0)
		i++;
	return i + 1 < addresses->n ? i + 1 : 0;
}

void
candidates_resolved(struct candidates *c, const struct strv *addresses, uint64_t anywhere)
{
	const size_t first = first_of(c, addresses, anywhere);
	size_t i;

	free(c->bad_address);
	c->bad_address = NULL;
	for (i = 0; i < addresses->n; i++)
		strv_add(&c->addresses, addresses->v[(first + i) % addresses->n]);
}

const char *
candidates_address(const struct candidates *c)
{
	return c->address < c->addresses.n ? c->addresses.v[c->address] : NULL;
}

void
candidates_next_address(struct candidates *c)
{
	c->address++;
}

void
candidates_mark_bad(struct candidates *c)
{
	const size_t n = c->addresses.n;

	c->bad = true;
	if (c->brokers > 1 || n < 2)
		return;
	free(c->bad_address);
	c->bad_address = xstrdup(c->addresses.v[c->address < n ? c->address : n - 1]);
}

bool
candidates_are_several(const struct candidates *c)
{
	return c->brokers > 1 || c->addresses.n > 1;
}

size_t
candidates_left(const struct candidates *c)
{
	return c->left + (c->addresses.n > 0 ? c->addresses.n - c->address : 1);
}
