/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_SECRET_FILE_H
#define BASE_SECRET_FILE_H

#include "base/err.h"

/*
 * Whether the regular file that `fd` has open, named `path`, is one that only we, its owner and root can read: by
 * its mode; by an ACL that names nobody else, which stat(2) shows as rights of a group (systemd 254 and
 * later gives credentials so); or because it is one of $CREDENTIALS_DIRECTORY, which systemd keeps for us, and has
 * no rights for others. ERR_USAGE when it is not, or is another user's, root apart. What is no regular file
 * passes.
 */
int secret_file_check(int fd, const char *path, struct err *err);

#endif
