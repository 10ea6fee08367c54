/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_DB_CONTAINS_H
#define IOTAPI_DB_CONTAINS_H

#include <sqlite3.h>

/* Gives the connection the SQL function contains(text, part): 1, 0, or null of a null. Both as LIKE has them, which makes
 * no difference of A to Z and a to z. LIKE itself takes a step for each letter of the text times each of the part, where
 * they are alike, and no deadline ends it. Returns what SQLite does. */
int contains_add(sqlite3 *handle);

#endif
