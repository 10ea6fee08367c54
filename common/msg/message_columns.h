/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MSG_MESSAGE_COLUMNS_H
#define MSG_MESSAGE_COLUMNS_H

#include "model/topic_set.h"
#include "msg/message.h"

/*
 * Rows for databases: the keys of message or reading lines as columns, one row a message or a
 * reading value, each ending with one \n.
 *
 * CSV is RFC 4180's as PostgreSQL's COPY ... (FORMAT csv) reads it: a cell with a comma, a quote or
 * a line break is quoted; NULL is an empty cell, an empty string is "". TSV is the text format of
 * the same COPY: \t \n \r and \\ are escaped, NULL is \N.
 *
 * What a line leaves out is NULL in a row. A JSON string is written as its characters, every other
 * JSON value as its own bytes, a JSON null as NULL (`value_type` tells a text from a number).
 * PostgreSQL's text cannot hold a NUL: a \u0000 inside a string becomes U+FFFD. psql before version 18
 * ends a COPY of CSV at a line \. even inside quotes: a text with such a line is no CSV row ("range").
 */
enum message_columns_format { MESSAGE_COLUMNS_CSV, MESSAGE_COLUMNS_TSV };

struct columns;

/* `list` is names separated by commas; NULL stands for a set that loses nothing of the data. An
 * unknown or repeated name is an error (ERR_USAGE) that names the known ones; what a message row
 * has and what a reading row has differ. */
int message_columns_compile(struct columns **out, const char *list, enum message_columns_format format,
    bool readings, struct err *err);
void message_columns_free(struct columns *c);

/* Appends the row of names. */
void message_columns_header(const struct columns *c, struct buf *out);
/* Appends the message's row, or a row for each of its readings. Returns and reports as message_readings; a
 * message row is no reading. Not for two threads at once. */
const char *message_columns_put(struct columns *c, struct buf *out, const struct msg *m,
    const struct topic_set *topics, const struct reading_keys *keys, struct reading_report *report);

#endif
