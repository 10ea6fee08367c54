/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MQTT_CONNECT_CANDIDATES_H
#define MQTT_CONNECT_CANDIDATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strv.h"

/*
 * What is tried next, of several brokers and of each one's several addresses. A round comes to every one of them
 * once. It begins at the broker that was tried last, at its first address; behind it where that was bad: with
 * several brokers the broker, with one the address. No input or output: names are looked up by its owner.
 */
struct candidates {
	unsigned brokers, broker; /* how many; the one that is tried, or is up */
	unsigned left;            /* brokers that this round has not come to yet */
	bool bad;                 /* the broker, or address, was so last */
	char *bad_address;        /* of one broker's several; NULL: none was bad */
	struct strv addresses;    /* the broker's; none before they are known */
	size_t address;           /* the one that is tried, or is up; their number: all were */
};

/* The first round begins at broker `first`. */
void candidates_open(struct candidates *c, unsigned brokers, unsigned first);
void candidates_release(struct candidates *c);

/* A round begins with a broker, whose addresses are to be looked up. */
void candidates_begin(struct candidates *c);
/* Likewise with the next broker; false: the round has come to all. */
bool candidates_next_broker(struct candidates *c);
/* The broker's addresses, copied; empty: they could not be looked up. When none was bad, the one to begin at is
 * number `anywhere`, modulo how many there are. */
void candidates_resolved(
    struct candidates *c, const struct strv *addresses, uint64_t anywhere);
/* The address that is tried, or is up; NULL: all were tried, or none is known. */
const char *candidates_address(const struct candidates *c);
void candidates_next_address(struct candidates *c);
/* The broker, or the address, lost its connection, or the round ended with it. */
void candidates_mark_bad(struct candidates *c);

/* Whether there is another one besides, as far as it is known. */
bool candidates_are_several(const struct candidates *c);
/* How many attempts the round has left, with the present one, as far as it is known. */
size_t candidates_left(const struct candidates *c);

#endif
