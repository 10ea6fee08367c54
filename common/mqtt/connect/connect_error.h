/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MQTT_CONNECT_CONNECT_ERROR_H
#define MQTT_CONNECT_CONNECT_ERROR_H

#include <stdbool.h>

#include "base/err.h"

/* What is said when a broker cannot be reached, refuses a connection, or ends it: sentences for people, and the exit
 * status. `where`: as struct broker_where has it. What TLS knows is said by dial_explain. */

/* CONNACK with this reason code. True: for good, since asking again cannot help. */
bool connect_error_refused(struct err *err, int reason, const char *where);
/* The broker's DISCONNECT, likewise. */
bool connect_error_dismissed(struct err *err, int reason, const char *where);

/* A socket failed with this errno; 0: it was closed. `may_be_login`: some brokers refuse a login so, without a
 * CONNACK. True: the broker closed it, without a word. What it was at is put in front by connect_error_lost. */
bool connect_error_socket(struct err *err, int number, bool may_be_login);
/* An address of a kind that this machine has no way for, which is not what a person looks for. */
bool connect_error_is_no_way(int number);

/* What did not come in time. */
enum connect_error_late {
	CONNECT_ERROR_LATE_NAME,
	CONNECT_ERROR_LATE_CONNECTION,
	CONNECT_ERROR_LATE_CONNACK,
	CONNECT_ERROR_LATE_REST, /* of CONNACK */
};
/* It did not come within `seconds`; likewise. */
void connect_error_late(struct err *err, enum connect_error_late what, double seconds);

/* Puts in front what was lost, or (not `was_up`) was not reached. */
void connect_error_lost(struct err *err, bool was_up, const char *where);
/* Adds that it happened so many times in a row. */
void connect_error_repeated(struct err *err, int times);
/* The whole sentence for a broker that has closed so many connections in a row, because another client has the same id
 * (mosquitto gives no reason), or because of what the login may not do. `id`: NULL, it is of our own making, which no
 * other has. */
void connect_error_fought_over(
    struct err *err, const char *id, int times, const char *where);

#endif
