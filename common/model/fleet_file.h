/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MODEL_FLEET_FILE_H
#define MODEL_FLEET_FILE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

/*
 * The fleet file of `iotctl device provision --from`: CSV; NDJSON when its first character is {, a JSON array
 * of objects when it is [.
 * Columns or members, all but the first optional: identificador_unico, nombre, tipo, ubicacion,
 * broker, publish_topic, subscribe_topics, sensores, publish_interval. Lists are separated by ";"
 * (in JSON an array will do too). References are names or ids.
 */
enum fleet_column {
	FLEET_DEVICE,
	FLEET_NAME,
	FLEET_TYPE,
	FLEET_PLACE,
	FLEET_BROKER,
	FLEET_PUBLISH,
	FLEET_SUBSCRIBE,
	FLEET_SENSORS,
	FLEET_INTERVAL,
	FLEET_COLUMNS
};

/* The API's name of a column. */
extern const char *const fleet_file_names[FLEET_COLUMNS];

/* The column that a word stands for, its name or an English one ("device", "sensors"), in any case and with
 * blanks around; -1: none. */
int fleet_file_column(const char *word);

struct fleet_file_row {
	size_t line; /* in the file, from 1 */
	/* What the file says, lists with ";" ("a;b"); NULL: absent or empty. FLEET_DEVICE is
	 * there and is a valid id unless the row is wrong. For lists: strv_split(&list, text, ';'). */
	char *text[FLEET_COLUMNS];
	char *wrong; /* what is: the id, an interval, a device named before; NULL: nothing is */
};

struct fleet_file {
	struct fleet_file_row *rows;
	size_t n;
};

/* Reads and checks a whole file ("-" is standard input), so that a mistake in its last row is found
 * before anything is done for the first. What is wrong with one row stands in it, for the caller to tell all of
 * them; unknown columns (did you mean) and what cannot be read are errors (ERR_USAGE) that name file and
 * line. `ignored` (NULL: none) names columns that are left out, whether the file has them or not. Release it
 * also after an error. Blocks. */
int fleet_file_read(
    struct fleet_file *f, const char *path, const struct strv *ignored, struct err *err);
void fleet_file_release(struct fleet_file *f);

#endif
