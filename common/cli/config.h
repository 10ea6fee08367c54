/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CLI_CONFIG_H
#define CLI_CONFIG_H

#include "cli/opt.h"

/*
 * The configuration: built-in values < /etc/iot/iot.conf < the user's iot.conf < the chosen
 * context's section of both < environment < options; each sets the same typed targets and leaves
 * its origin in the opt_set.
 *
 * INI by libinih, behind a reader that refuses what Debian's build of it would mangle (lines over
 * 198 bytes, " ;" inside a value: measured, libinih 55). Keys in front of the first section hold for
 * everyone; a section is a context. A key that no program knows is an error that names file and
 * line.
 */

/* Debian's libinih 55 cuts a line at 200 bytes with its newline, and takes " ;" for a comment. */
enum { CONFIG_LINE = 198 };

/* Fills the targets of `set` from files and environment; what argv set stays. */
int config_load(struct opt_set *set, struct common *common, struct err *err);
/* The same of the files alone, for who asks what they say whatever the environment does. */
int config_load_files(struct opt_set *set, struct common *common, struct err *err);

/* The user's file: --config, IOT_CONFIG, or the XDG place (free; NULL without a home). */
char *config_user_path(const struct common *common);

/* Sets keys of one section of the user's file, other lines kept as they are, atomically, mode 0600,
 * one process at a time. `section` NULL: the part before the first section. A NULL value removes the
 * key; one that would not be read again as it is written is refused. */
struct config_pair {
	const char *key;
	const char *value;
};
int config_save(const char *path, const char *section, const struct config_pair *pairs,
    size_t count, struct err *err);

#endif
