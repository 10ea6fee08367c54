/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotstatus/state_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/state_version.h"
#include "base/text.h"

enum { VERSION = 1 };

static int
state_by_name(const char *name)
{
	int i;

	for (i = 0; i < STATE_COUNT; i++) {
		if (strcmp(verdict_state_names[i], name) == 0)
			return i;
	}
	return -1;
}

static bool
parse(struct span text, struct state_file *m)
{
	struct span object, value;
	struct buf word = {0};
	int state;

	if (!json_check(text, &object, NULL) || json_kind(object) != JSON_KIND_OBJECT ||
	    !json_member_string(object, "state", &word)) {
		buf_release(&word);
		return false;
	}
	state = state_by_name(buf_str(&word));
	buf_release(&word);
	if (state < 0 || !json_member(object, "since", &value))
		return false;
	m->state = (enum state)state;
	m->since = strtoll(value.p, NULL, 10);
	if (json_member(object, "bad", &value))
		m->bad = strtoll(value.p, NULL, 10);
	else
		m->bad = m->state != STATE_OK ? m->since : 0;
	m->trouble =
	    json_member(object, "trouble", &value) && json_kind(value) == JSON_KIND_TRUE;
	return true;
}

/* Of a file that may be of any version; 0: it names none. */
static long long
version_of(struct span text)
{
	struct span object, value;

	if (!json_check(text, &object, NULL) || json_kind(object) != JSON_KIND_OBJECT ||
	    !json_member(object, "version", &value))
		return 0;
	return strtoll(value.p, NULL, 10);
}

/* One that this program wrote and something spoilt, such as a disk that was full. What somebody else wrote is not
 * ours to replace. */
static bool
is_ours(struct span text)
{
	static const char begin[] = "{\"state\":";

	return text.n >= sizeof(begin) - 1 &&
	    memcmp(text.p, begin, sizeof(begin) - 1) == 0;
}

static int
refuse(const char *path, struct span text, struct err *err)
{
	if (is_ours(text) && unlink(path) == 0)
		return err_set(err, ERR_USAGE,
		    _("'%s' was damaged: what was told before is not known, and it is "
		      "begun anew"),
		    path);
	return err_set(err, ERR_USAGE,
	    _("'%s' is no state file of iotstatus: remove it, or name another"), path);
}

static int
take(const char *path, struct span text, struct state_file *m, struct err *err)
{
	const long long version = version_of(text);

	if (state_version_check(path, version, VERSION, err))
		return -1;
	return parse(text, m)
	    ? state_version_accept(path, text, 0644, version, VERSION, err)
	    : refuse(path, text, err);
}

int
state_file_read(const char *path, struct state_file *m, struct err *err)
{
	struct buf text = {0};
	int failed = 0;

	*m = (struct state_file){.state = STATE_OK};
	if (access(path, F_OK) != 0 && errno == ENOENT)
		return 0;
	if (file_read(path, 4096, &text, err))
		failed = -1;
	else if (text.n != 0)
		failed = take(path, buf_as_span(&text), m, err);
	buf_release(&text);
	return failed;
}

int
state_file_write(const char *path, const struct state_file *m, struct err *err)
{
	struct buf text = {0};
	int failed;

	buf_printf(&text,
	    "{\"state\":\"%s\",\"trouble\":%s,\"since\":%lld,\"bad\":%lld,\"version\":%d}"
	    "\n",
	    verdict_state_names[m->state], m->trouble ? "true" : "false",
	    (long long)m->since, (long long)m->bad, VERSION);
	failed = file_write(path, buf_as_span(&text), 0644, err);
	buf_release(&text);
	return failed;
}
