/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MODEL_CREDENTIALS_H
#define MODEL_CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/csv.h"
#include "base/err.h"

/*
 * The credentials file: CSV, mode 0600, header device,client_id,username,password,cert,key. Written
 * by iotctl (provision, rotate, set-password), read by iotpub, iotsub, doctor.
 */
struct credential {
	const char *device;
	const char *client_id; /* NULL, as all below: not given */
	const char *username;
	const char *password;
	const char *cert, *key; /* files */
};

/* The zero value is an empty one. */
struct credentials {
	struct credential *v; /* sorted by device */
	size_t n;
	struct csv table; /* the memory of what is above */
};

/* The file to use (free): `given` (an option's value) or the context's own place in the state
 * directory; NULL without a home. `context` NULL stands for "default". */
char *credentials_path(const char *given, const char *context);

/* Reads a file. One that others may read is refused, as file_read_secret does. A missing one is
 * an error only if `must_exist`. A NULL path is an empty one. */
int credentials_load(
    struct credentials *c, const char *path, bool must_exist, struct err *err);
/* NULL: none for this device. */
const struct credential *credentials_find(const struct credentials *c, const char *device);
/* Wipes and frees. */
void credentials_release(struct credentials *c);

/* Adds rows, or replaces those of the same devices, and saves the file atomically with mode 0600.
 * Writers wait for each other, so none loses another's rows; the rest of the file stays. What could not be
 * read again is not written. */
int credentials_save(
    const char *path, const struct credential *rows, size_t n, struct err *err);
/* As credentials_save, but a password that is there already stays, whatever `rows` say: who adds the same
 * devices at the same time must load the file afterwards to know theirs. */
int credentials_add(
    const char *path, const struct credential *rows, size_t n, struct err *err);
/* The row of a device becomes that of `to`, in place of one that it has, with a client id that was the device's
 * name; NULL: it goes. Waits as credentials_save does. No such row is no error. */
int credentials_rename(
    const char *path, const char *device, const char *to, struct err *err);

#endif
