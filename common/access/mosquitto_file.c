/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "access/mosquitto_file.h"

#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

/* The group that mosquitto reads with when root writes its files; -1: nobody's but ours. */
static gid_t
reader_group(void)
{
	const struct group *g = geteuid() == 0 ? getgrnam("mosquitto") : NULL;

	return g != NULL ? g->gr_gid : (gid_t)-1;
}

/* Who reads the file that is there goes on reading it: a mosquitto in a container has another name, or none. */
static int
write_as_before(const char *path, struct span text, struct err *err)
{
	struct stat old;
	bool shared;

	if (stat(path, &old) != 0)
		return file_write(path, text, 0600, err);
	shared = (old.st_mode & S_IRGRP) != 0;
	return file_write_for(path, text, shared ? 0640 : 0600,
	    geteuid() == 0 ? old.st_uid : (uid_t)-1, shared ? old.st_gid : (gid_t)-1,
	    err);
}

int
mosquitto_file_write(const char *path, struct span text, struct err *err)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash != NULL ? xstrndup(path, (size_t)(slash - path)) : xstrdup(".");
	bool is_new = access(dir[0] != '\0' ? dir : "/", F_OK) != 0;
	gid_t group = reader_group();
	int failed = group == (gid_t)-1
	    ? write_as_before(path, text, err)
	    : file_write_for(path, text, 0640, (uid_t)-1, group, err);

	if (!failed && group != (gid_t)-1 && is_new &&
	    (chown(dir, (uid_t)-1, group) != 0 || chmod(dir, 0750) != 0))
		failed =
		    err_sys(err, ERR_OUTPUT, _("cannot give '%s' to mosquitto"), dir);
	free(dir);
	return failed ? -1 : 0;
}
