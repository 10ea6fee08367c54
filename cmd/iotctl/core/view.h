/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_CORE_VIEW_H
#define IOTCTL_CORE_VIEW_H

#include "base/hash.h"
#include "iotctl/core/lookup.h"
#include "iotctl/core/objects.h"

/* What the platform knows of devices, side by side, fetched once. */
enum view_part {
	VIEW_DEVICES,
	VIEW_CREDENTIALS,
	VIEW_CONFIGS,
	VIEW_BROKERS,
	VIEW_TOPICS,
	VIEW_ACCOUNTS, /* emqx-user */
	VIEW_RULES,    /* emqx-acl */
	VIEW_PARTS
};

struct view {
	struct objects v[VIEW_PARTS];
	bool missing[VIEW_PARTS]; /* the API has no such resource, or does not show it to us ... */
	bool hidden[VIEW_PARTS];  /* ... which is this */
	struct hash_table index[VIEW_PARTS]; /* by what belongs to a device, or is referred to, is found by */
};

/* Blocks. Of all devices, or, unless `only` is NULL, what belongs to that one (v[VIEW_DEVICES] has it alone). A
 * part that is not there, or that one may not see, is no error. Release it in every case. */
int view_load(struct ctl *c, const struct lookup_found *only, struct view *out, struct err *err);
void view_release(struct view *v);

/* The objects of a part with this value where most look for them: the device's number, of what belongs to one; the
 * user name of rules; the id of the others. */
struct view_search {
	const struct view *view;
	enum view_part part;
	const char *value;
	struct hash_search at;
};
struct view_search view_find(const struct view *v, enum view_part part, const char *value);
/* The next one; false: none is left. */
bool view_next(struct view_search *s, struct span *object);

/* The first object of a part whose member has this value; an absent span if there is none. */
struct span view_by(
    const struct view *v, enum view_part part, const char *member, const char *value);
struct span view_by_id(
    const struct view *v, enum view_part part, const char *member, json_int_t id);

/* The member as text, "" if it, or the object, is absent or null (free). */
char *view_text_of(struct span object, const char *member);
bool view_member_is(struct span object, const char *name, const char *wanted);

#endif
