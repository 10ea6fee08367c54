/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef YAMLOUT_H
#define YAMLOUT_H

#include "base/buf.h"

/* Checked JSON as a YAML document, and as one item of a YAML list, with its line end. */
void yaml_put(struct buf *out, struct span value);
void yaml_put_item(struct buf *out, struct span value);

#endif
