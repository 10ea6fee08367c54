/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTPUB_RAW_RECORD_H
#define IOTPUB_RAW_RECORD_H

#include "model/topic_set.h"
#include "msg/message.h"

/* A message as a line of NDJSON says it: a message line of iotingest or iotsub, or as little of one as
 * {"topic":...,"payload":...}. The zero value is ready; one may be read into again and again. */
struct record {
	struct buf topic, payload; /* the topic is NUL-terminated */
	struct buf content_type, response_topic, correlation;
	struct buf user; /* their bytes, one behind the other */
	struct span *users;
	size_t users_room;
	struct msg_props props; /* spans into the above */
	int qos;                /* -1: not said */
	int retain;             /* -1: not said */
	int64_t us; /* when it was received, microseconds since 1970; -1: not said */
};

/* Reads a line. Errors (ERR_USAGE) say what is wrong with it. A line without a topic needs `topic`
 * (NULL: it must have one). */
int record_read(struct record *r, struct span line, const char *topic, struct err *err);
void record_release(struct record *r);

/* --map-device: pairs of ids. */
struct record_map {
	char **from, **to;
	size_t n;
};
/* Adds "A=B". */
int record_map_add(struct record_map *map, const char *text, struct err *err);
void record_map_release(struct record_map *map);
/* Lets a device that the map has be another: in the topic, by the templates, and in the payload's
 * device_id. */
int record_rename(struct record *r, const struct record_map *map,
    const struct topic_set *topics, struct err *err);

#endif
