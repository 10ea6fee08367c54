/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACCESS_MOSQUITTO_FILE_H
#define ACCESS_MOSQUITTO_FILE_H

#include "base/err.h"
#include "base/span.h"

/* Replaces a file that mosquitto reads, atomically, in a directory that is made when it is not there. As root, and where a
 * group mosquitto exists, that group may read it (0640, a new directory 0750): mosquitto drops its privileges before it
 * reads the file again on SIGHUP. Else a file that is there keeps the group that may read it, and root leaves its owner,
 * and a new one is 0600. ERR_OUTPUT: it is as it was. */
int mosquitto_file_write(const char *path, struct span text, struct err *err);

#endif
