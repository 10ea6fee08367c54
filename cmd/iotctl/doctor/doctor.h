/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_DOCTOR_DOCTOR_H
#define IOTCTL_DOCTOR_DOCTOR_H

#include "model/topic_set.h"
#include "iotctl/acl/acl.h"
#include "iotctl/doctor/broker_probe.h"
#include "iotctl/login/password_file.h"

enum health {
	HEALTH_OK,
	HEALTH_BAD,
	HEALTH_WARN,
	HEALTH_UNKNOWN, /* could not be tested */
	HEALTH_NONE,    /* there is nothing to test on this platform */
};

struct finding {
	const char *check;
	enum health health;
	char *text;
};

/* In the order in which one thing needs another: the first that is bad is the cause. */
struct findings {
	struct finding *v;
	size_t n;
};

void doctor_findings_add(struct findings *f, const char *check, enum health health,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void doctor_findings_release(struct findings *f);
/* What it means that something could not be asked: that we may not, or a failure. */
enum health doctor_health_of(const struct err *err);
size_t doctor_findings_bad(const struct findings *f);

/* A broker as it looks from here, looked at once for all its devices. */
struct doctor_broker {
	json_int_t id; /* 0: the one of the options */
	char *name;
	struct broker_probe probe;
	struct err err;   /* it could not even be tried */
	int qos;          /* the highest that came back; -1: not tried */
	struct target *t; /* how to get there */
};

struct doctor_brokers {
	struct ctl *c;
	struct view view;
	struct topic_set topics;
	struct password_file file;
	bool cause_only; /* of many devices: the first bad finding of each is enough */
	struct doctor_broker *brokers;
	size_t n;
};

/* doctor_site.c: configuration, API, token, clock, brokers, freshness. */
int doctor_check_site(struct doctor_brokers *k, struct findings *f, struct err *err);
/* doctor_device.c: one device of the view. */
int doctor_check_device(
    struct doctor_brokers *k, struct span device, struct findings *f, struct err *err);
/* doctor_broker.c. Looks at a broker; NULL only with `err`. */
struct doctor_broker *doctor_broker_check(struct doctor_brokers *k, json_int_t id, struct err *err);
/* Whether this login is let in, under a probe's client id. */
int doctor_broker_login(struct doctor_brokers *k, struct doctor_broker *b, const struct credential *login,
    struct broker_probe_result *out, struct err *err);
void doctor_brokers_release(struct doctor_brokers *k);

/* How old a time of an object is, in seconds. False if it has none, or one of an unknown zone. */
bool doctor_age_of(const struct ctl *c, struct span object, const char *member, int64_t *age);
/* "3 min", "2 h" (free). */
char *doctor_age_words(int64_t seconds);
/* Seconds between the readings of a device-config; 0: it has no such number. */
long doctor_interval_of(struct span config);
/* The age of the newest reading; `query` ("&dispositivo=7") narrows. -1: none, -2: of unknown zone. */
int doctor_newest_reading(struct ctl *c, const char *query, int64_t *age, struct err *err);

#endif
