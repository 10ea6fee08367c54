/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_OUTPUT_YAML_EMIT_H
#define IOTCTL_OUTPUT_YAML_EMIT_H

#include "base/buf.h"

/* Checked JSON as a YAML document, and as one item of a YAML list, with its line end. */
void yaml_emit_put(struct buf *out, struct span value);
void yaml_emit_item(struct buf *out, struct span value);

#endif
