/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mqtt/ack_queue.h"

#include <stdlib.h>

#include "base/mem.h"

void
ack_queue_grow(struct ack_queue *a)
{
	size_t room = a->room == 0 ? 64 : a->room * 2, i;
	struct ack *v = xcalloc(room, sizeof(*v));

	for (i = 0; i < a->n; i++)
		v[i] = a->v[(a->first + i) & (a->room - 1)];
	free(a->v);
	a->v = v;
	a->first = 0;
	a->room = room;
}

void
ack_queue_settle(struct ack_queue *a, uint64_t acked, struct buf *out)
{
	size_t done;
	char *p = buf_reserve(out, a->n * 4);

	for (done = 0; done < a->n; done++) {
		const struct ack *k = &a->v[(a->first + done) & (a->room - 1)];

		if (k->seq > acked)
			break;
		p = packet_write_ack(p, k->type, k->mid);
		if (k->type == PACKET_PUBREC) {
			a->received[k->mid / 64] |= (uint64_t)1 << k->mid % 64;
			a->half++;
		}
	}
	a->first += done;
	a->n -= done;
	out->n += done * 4;
}

bool
ack_queue_is_received(const struct ack_queue *a, uint16_t mid)
{
	return (a->received[mid / 64] >> mid % 64 & 1) != 0;
}

void
ack_queue_forget_received(struct ack_queue *a, uint16_t mid)
{
	a->received[mid / 64] &= ~((uint64_t)1 << mid % 64);
	if (a->half > 0)
		a->half--;
}

void
ack_queue_reset(struct ack_queue *a, bool session_present)
{
	a->n = a->half = 0;
	if (!session_present)
		memset(a->received, 0, sizeof(a->received));
}

void
ack_queue_free(struct ack_queue *a)
{
	free(a->v);
}
