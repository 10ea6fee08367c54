/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "payload.h"

#include "base/text.h"

int
payload_check(enum payload_shape shape, const struct sensors *s, struct err *err)
{
	size_t i;

	for (i = 0; shape == PAYLOAD_FLAT && i < s->n; i++) {
		struct span key = buf_as_span(&s->v[i].key);

		if (span_is(key, "\"device_id\"") || span_is(key, "\"timestamp\""))
			return err_set(err, ERR_USAGE,
			    _("the flat payload has a %.*s of its own: name the sensor "
			      "otherwise, or use --payload nested"),
			    (int)key.n, key.p);
	}
	return 0;
}

static void
put_begin(struct buf *out, const char *device)
{
	buf_puts(out, "{\"device_id\":\"");
	buf_puts(out, device);
	buf_puts(out, "\",");
}

static void
put_sensors(struct buf *out, const struct sensors *s, uint64_t *random)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (i != 0)
			buf_putc(out, ',');
		buf_span(out, buf_as_span(&s->v[i].key));
		buf_putc(out, ':');
		sensor_put(&s->v[i], out, random);
	}
}

void
payload_reading(struct buf *out, enum payload_shape shape, const char *device,
    const struct sensors *s, uint64_t *random, int64_t timestamp)
{
	put_begin(out, device);
	if (shape == PAYLOAD_NESTED)
		buf_puts(out, "\"sensors\":{");
	put_sensors(out, s, random);
	if (shape == PAYLOAD_NESTED)
		buf_putc(out, '}');
	buf_puts(out, ",\"timestamp\":");
	buf_u64(out, (uint64_t)timestamp);
	buf_putc(out, '}');
}

void
payload_status(struct buf *out, const char *device, const char *status, int64_t timestamp)
{
	put_begin(out, device);
	buf_puts(out, "\"status\":\"");
	buf_puts(out, status);
	buf_putc(out, '"');
	if (timestamp >= 0) {
		buf_puts(out, ",\"timestamp\":");
		buf_u64(out, (uint64_t)timestamp);
	}
	buf_putc(out, '}');
}
