/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/topic_set.h"

#include "base/text.h"

int
topic_set_compile(struct topic_set *t, const struct topicopts *o, struct err *err)
{
	const struct {
		struct topic **out;
		const char *text, *builtin;
	} all[] = {
	    {&t->data, o->data, "iot/sensors/{device_id}/data"},
	    {&t->status, o->status, "iot/devices/{device_id}/status"},
	    {&t->commands, o->commands, "iot/devices/{device_id}/commands"},
	    {&t->responses, o->responses, "iot/devices/{device_id}/responses"},
	    {&t->alerts, o->alerts, "iot/alerts/{device_id}"},
	};
	size_t i;

	*t = (struct topic_set){0};
	for (i = 0; i < ARRAY_LEN(all); i++) {
		const char *text = all[i].text != NULL ? all[i].text : all[i].builtin;

		if (topic_compile(all[i].out, text, err)) {
			topic_set_release(t);
			return -1;
		}
	}
	return 0;
}

void
topic_set_release(struct topic_set *t)
{
	topic_free(t->data);
	topic_free(t->status);
	topic_free(t->commands);
	topic_free(t->responses);
	topic_free(t->alerts);
	*t = (struct topic_set){0};
}
