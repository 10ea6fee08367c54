/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotstatus/watch/watch_model.h"

#include <stdlib.h>

#include "base/mem.h"
#include "iotstatus/verdict.h"

const char *const watch_model_traffic_names[TRAFFICS] = {
    [TRAFFIC_STATUS] = "status",
    [TRAFFIC_DATA] = "data",
    [TRAFFIC_COMMANDS] = "commands",
    [TRAFFIC_RESPONSES] = "responses",
    [TRAFFIC_ALERTS] = "alerts",
};

static const struct device_seen *
reported_of(const struct device *d)
{
	return d->reported[VIEW_OTHER].known ? &d->reported[VIEW_OTHER]
					     : &d->reported[VIEW_SOURCE];
}

static bool
is_counted(const struct watch_model *m, const struct device *d)
{
	return m->listed ? d->listed : reported_of(d)->known;
}

enum presence
watch_model_state(const struct watch_model *m, const struct device *d, int64_t now)
{
	const struct device_seen *s = reported_of(d);

	if (!s->known)
		return PRESENCE_NEVER;
	if (s->state == PRESENCE_ONLINE && m->max_age != 0 &&
	    !device_table_seen_lately(s->seen, now, m->max_age) &&
	    !device_table_seen_lately(d->reported[VIEW_SOURCE].seen, now, m->max_age))
		return PRESENCE_STALE;
	return s->state;
}

int64_t
watch_model_since(const struct watch_model *m, size_t device)
{
	if (m->changed[device] != 0)
		return m->changed[device] * 1000000;
	return reported_of(&m->fleet->v[device])->since;
}

static void
make_room(struct watch_model *m)
{
	size_t i;

	if (m->fleet->n > m->room) {
		m->room = m->fleet->room;
		m->shown = xreallocarray(m->shown, m->room, sizeof(*m->shown));
		m->changed = xreallocarray(m->changed, m->room, sizeof(*m->changed));
	}
	for (i = m->known; i < m->fleet->n; i++) {
		m->shown[i] = PRESENCES;
		m->changed[i] = 0;
	}
	m->known = m->fleet->n;
}

void
watch_model_forget(struct watch_model *m, size_t device)
{
	if (device < m->known)
		m->shown[device] = PRESENCES;
}

/* The first word about a device is no change. */
static void
note(struct watch_model *m, size_t device, enum presence to, int64_t seconds)
{
	if (m->shown[device] != PRESENCES) {
		m->changes[m->change_count++ % WATCH_CHANGES] = (struct watch_change){
		    (uint32_t)device, seconds, m->shown[device], (uint8_t)to};
		m->changed[device] = seconds;
	}
	m->shown[device] = (uint8_t)to;
}

void
watch_model_count(struct watch_model *m, int64_t now)
{
	size_t i;

	make_room(m);
	m->counts = (struct counts){.split = true};
	for (i = 0; i < m->fleet->n; i++) {
		const struct device *d = &m->fleet->v[i];
		enum presence state;

		if (!is_counted(m, d)) {
			m->shown[i] = PRESENCES;
			continue;
		}
		state = watch_model_state(m, d, now);
		m->counts.total++;
		m->counts.n[state]++;
		if (m->shown[i] != state)
			note(m, i, state, now / 1000000);
	}
}

void
watch_model_tick(struct watch_model *m, bool sample)
{
	int t;

	if (sample)
		m->hour[m->samples++ % WATCH_HOUR] =
		    m->counts.total == 0 ? -1 : (float)verdict_percent(&m->counts);
	m->second++;
	for (t = 0; t < TRAFFICS; t++)
		m->traffic[t][m->second % WATCH_RATE_SECONDS] = 0;
}

/* Of whole seconds: the one that has begun is no second yet. */
double
watch_model_rate(const struct watch_model *m, enum traffic t)
{
	size_t i,
	    whole =
		m->second < WATCH_RATE_SECONDS - 1 ? m->second : WATCH_RATE_SECONDS - 1;
	double sum = 0;

	for (i = 1; i <= whole; i++)
		sum += m->traffic[t][(m->second - i) % WATCH_RATE_SECONDS];
	return whole == 0 ? 0 : sum / (double)whole;
}

void
watch_model_release(struct watch_model *m)
{
	free(m->shown);
	free(m->changed);
}
