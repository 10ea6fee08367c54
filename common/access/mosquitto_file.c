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

/* The group that mosquitto reads with when root writes its files; 0: nobody's but ours. */
static gid_t
reader_group(void)
{
	const struct group *g = geteuid() == 0 ? getgrnam("mosquitto") : NULL;

	return g != NULL ? g->gr_gid : 0;
}

static int
share(const char *path, gid_t group, mode_t mode, struct err *err)
{
	if (chown(path, (uid_t)-1, group) != 0 || chmod(path, mode) != 0)
		return err_sys(err, ERR_OUTPUT, _("cannot give '%s' to mosquitto"), path);
	return 0;
}

int
mosquitto_file_write(const char *path, struct span text, struct err *err)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash != NULL ? xstrndup(path, (size_t)(slash - path)) : xstrdup(".");
	bool is_new = access(dir[0] != '\0' ? dir : "/", F_OK) != 0;
	gid_t group = reader_group();
	int failed = file_write(path, text, 0600, err);

	if (!failed && group != 0)
		failed = share(path, group, 0640, err) ||
		    (is_new && share(dir, group, 0750, err) != 0);
	free(dir);
	return failed ? -1 : 0;
}
