/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_LOGIN_SETTINGS_H
#define IOTCTL_LOGIN_SETTINGS_H

#include "base/strv.h"
#include "cli/config.h"
#include "cli/opt.h"
#include "iotctl/ctl.h"

/* Key and value pairs to save; owns the values. The zero value is empty. */
struct settings {
	struct config_pair *pairs;
	size_t n;
};

/* Every option with a key that stood on the command line; file names become absolute. */
void settings_given(struct settings *s, const struct opt_set *set);
/* Sets one, in place of what was there. `key` is kept. */
void settings_put(struct settings *s, const char *key, const char *value);
void settings_put_path(struct settings *s, const char *key, const char *path);
void settings_release(struct settings *s);

/* Adds the sections of the user's file; none when there is no file. */
int settings_contexts(struct ctl *c, struct strv *names, struct err *err);
/* ERR_NOT_FOUND unless the user's file has this context. */
int settings_need_context(struct ctl *c, const char *name, struct err *err);

/* A context is a section of the file and part of a file name. */
int settings_check_name(const char *name, struct err *err);

#endif
