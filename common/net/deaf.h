/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NET_DEAF_H
#define NET_DEAF_H

#include <stdint.h>

/* A signal that was obeyed comes once more while the program ends: within `ms` from now it is the same
 * request and does nothing, later it has its default action. For the process. */
void deaf_for(int signo, int64_t ms);

#endif
