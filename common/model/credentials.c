/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/credentials.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

enum { COLUMNS = 6, LARGEST = 64 << 20 };

/* In the order of struct credential's members. */
static const char *const columns[COLUMNS] = {
    "device", "client_id", "username", "password", "cert", "key"};

static int
by_device(const void *a, const void *b)
{
	const struct credential *x = a, *y = b;

	return strcmp(x->device, y->device);
}

static int
find_columns(const struct csv *t, const char *path, int *at, struct err *err)
{
	size_t i, known = 0;

	for (i = 0; i < COLUMNS; i++) {
		at[i] = csv_column(t, columns[i]);
		known += at[i] >= 0;
	}
	if (at[0] < 0 || known != t->columns)
		return err_set(err, ERR_USAGE,
		    _("%s:%zu: the header of a credentials file is "
		      "device,client_id,username,password,cert,key"),
		    path, t->header.line);
	return 0;
}

static const char *
cell(const struct csv_row *r, int column)
{
	return column >= 0 && r->cells[column][0] != '\0' ? r->cells[column] : NULL;
}

static int
check_devices(const struct credentials *c, const char *path, struct err *err)
{
	size_t i;

	for (i = 0; i < c->n; i++) {
		if (c->v[i].device == NULL)
			return err_set(err, ERR_USAGE, _("%s:%zu: no device is named"),
			    path, c->table.rows[i].line);
	}
	qsort(c->v, c->n, sizeof(*c->v), by_device);
	for (i = 1; i < c->n; i++) {
		if (strcmp(c->v[i - 1].device, c->v[i].device) == 0)
			return err_set(err, ERR_USAGE,
			    _("%s: device '%s' is there twice"), path, c->v[i].device);
	}
	return 0;
}

static int
take_table(struct credentials *c, const char *path, struct err *err)
{
	int at[COLUMNS];
	size_t i;

	if (c->table.columns == 0)
		return 0;
	if (find_columns(&c->table, path, at, err))
		return -1;
	c->n = c->table.n;
	c->v = xcalloc(c->n + 1, sizeof(*c->v));
	for (i = 0; i < c->n; i++) {
		const struct csv_row *r = &c->table.rows[i];

		c->v[i] = (struct credential){cell(r, at[0]), cell(r, at[1]),
		    cell(r, at[2]), cell(r, at[3]), cell(r, at[4]), cell(r, at[5])};
	}
	return check_devices(c, path, err);
}

static int
take_text(struct credentials *c, const char *path, struct span text, struct err *err)
{
	return csv_read(&c->table, path, text, err) || take_table(c, path, err) ? -1 : 0;
}

char *
credentials_path(const char *given, const char *context)
{
	char *name, *path;

	if (given != NULL)
		return xstrdup(given);
	name = xasprintf("%s.csv", context != NULL ? context : "default");
	path = file_state_path(name);
	free(name);
	return path;
}

int
credentials_load(
    struct credentials *c, const char *path, bool must_exist, struct err *err)
{
	struct buf text = {0};
	int failed;

	*c = (struct credentials){0};
	if (path == NULL || (!must_exist && access(path, F_OK) != 0 && errno == ENOENT))
		return 0;
	failed = file_read_private(path, LARGEST, &text, err) ||
	    take_text(c, path, buf_as_span(&text), err);
	if (text.p != NULL)
		explicit_bzero(text.p, text.n);
	buf_release(&text);
	return failed ? -1 : 0;
}

const struct credential *
credentials_find(const struct credentials *c, const char *device)
{
	const struct credential key = {.device = device};

	return c->n != 0 ? bsearch(&key, c->v, c->n, sizeof(*c->v), by_device) : NULL;
}

void
credentials_release(struct credentials *c)
{
	free(c->v);
	csv_release(&c->table);
	*c = (struct credentials){0};
}

static void
put_credential(struct buf *out, const struct credential *c)
{
	const char *const cells[COLUMNS] = {
	    c->device, c->client_id, c->username, c->password, c->cert, c->key};

	csv_put_row(out, cells, COLUMNS);
}

/* The old rows and the new ones, in order of device; a new one takes the place of an old one. */
static void
merge(struct buf *out, const struct credentials *old, const struct credential *rows,
    size_t n)
{
	size_t i = 0, j = 0;
	int order;

	csv_put_row(out, columns, COLUMNS);
	while (i < old->n || j < n) {
		order = i == old->n ? 1 : j == n ? -1 : by_device(&old->v[i], &rows[j]);
		put_credential(out, order < 0 ? &old->v[i] : &rows[j]);
		i += order <= 0;
		j += order >= 0;
	}
}

/* Takes out the rows of devices that have a password already. Returns how many are left. */
static size_t
leave_known(const struct credentials *old, struct credential *rows, size_t n)
{
	size_t left = 0, i;

	for (i = 0; i < n; i++) {
		const struct credential *known = credentials_find(old, rows[i].device);

		if (known == NULL || known->password == NULL)
			rows[left++] = rows[i];
	}
	return left;
}

/* A file that nobody could read again would lose all that is in it. */
static int
check_readable(const char *path, struct span text, struct err *err)
{
	struct credentials c = {0};
	int failed = text.n > LARGEST
	    ? err_set(
		  err, ERR_USAGE, _("'%s' would be longer than %d bytes"), path, LARGEST)
	    : take_text(&c, path, text, err);

	credentials_release(&c);
	return failed ? err_in(err, _("not saved, it could not be read again")) : 0;
}

static int
write_merged(const char *path, const struct credentials *old,
    const struct credential *rows, size_t n, struct err *err)
{
	struct buf text = {0};
	int failed;

	merge(&text, old, rows, n);
	failed = check_readable(path, buf_as_span(&text), err) ||
	    file_write(path, buf_as_span(&text), 0600, err);
	explicit_bzero(text.p, text.n);
	buf_release(&text);
	return failed ? -1 : 0;
}

/* `keep`: passwords that are there stay. */
static int
save_locked(
    const char *path, const struct credential *rows, size_t n, bool keep, struct err *err)
{
	struct credential *sorted = xcalloc(n + 1, sizeof(*sorted));
	struct credentials old;
	int failed = credentials_load(&old, path, true, err);

	if (!failed) {
		memcpy(sorted, rows, n * sizeof(*sorted));
		qsort(sorted, n, sizeof(*sorted), by_device);
		if (keep)
			n = leave_known(&old, sorted, n);
		failed = write_merged(path, &old, sorted, n, err);
	}
	credentials_release(&old);
	free(sorted);
	return failed;
}

static int
save(
    const char *path, const struct credential *rows, size_t n, bool keep, struct err *err)
{
	int fd = file_lock(path, err);
	int failed;

	if (fd < 0)
		return -1;
	failed = save_locked(path, rows, n, keep, err);
	close(fd);
	return failed ? -1 : 0;
}

int
credentials_save(
    const char *path, const struct credential *rows, size_t n, struct err *err)
{
	return save(path, rows, n, false, err);
}

int
credentials_add(
    const char *path, const struct credential *rows, size_t n, struct err *err)
{
	return save(path, rows, n, true, err);
}

/* Takes the row of a device out; absent (no device) if there is none. */
static struct credential
take_row(struct credentials *c, const char *device)
{
	struct credential row = {0};
	size_t i;

	for (i = 0; i < c->n && strcmp(c->v[i].device, device) != 0; i++)
		;
	if (i == c->n)
		return row;
	row = c->v[i];
	c->n--;
	memmove(c->v + i, c->v + i + 1, (c->n - i) * sizeof(*c->v));
	return row;
}

static int
rename_locked(const char *path, const char *device, const char *to, struct err *err)
{
	struct credentials all;
	struct credential row = {0};
	int failed = credentials_load(&all, path, true, err);

	if (!failed)
		row = take_row(&all, device);
	if (row.device != NULL && to != NULL) {
		if (row.client_id != NULL && strcmp(row.client_id, device) == 0)
			row.client_id = to;
		row.device = to;
	}
	if (row.device != NULL)
		failed = write_merged(path, &all, &row, to != NULL, err);
	credentials_release(&all);
	return failed;
}

int
credentials_rename(const char *path, const char *device, const char *to, struct err *err)
{
	int fd = file_lock(path, err);
	int failed;

	if (fd < 0)
		return -1;
	failed = rename_locked(path, device, to, err);
	close(fd);
	return failed ? -1 : 0;
}
