/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MODEL_SCHEMA_INT_H
#define MODEL_SCHEMA_INT_H

#include "base/text.h"
#include "model/schema.h"

/* How rows of the schema table are written; for the files that hold them. */

/* clang-format off */
#define R SCHEMA_REQUIRED
#define RO SCHEMA_READ_ONLY
#define WO SCHEMA_WRITE_ONLY
#define NUL SCHEMA_NULLABLE
#define UNIQ SCHEMA_UNIQUE
#define BLANK SCHEMA_BLANK
#define COL SCHEMA_COLUMN
#define DERIVED (SCHEMA_DERIVED | SCHEMA_READ_ONLY)

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NONE ((const char *const[]){NULL})
#define FILTERS(...) ((const struct schema_filter[]){__VA_ARGS__, {0}})
#define BY(field) {(field), (field), SCHEMA_EQUAL}

#define ID_FIELD                                                                         \
	{.name = "id", .type = SCHEMA_INT, .flags = RO | COL, .help = N_("number")}
#define TIMES                                                                            \
	{.name = "created_at", .alias = "created", .type = SCHEMA_TIME, .flags = RO,     \
	    .help = N_("when it was made")},                                             \
	    {.name = "updated_at", .alias = "updated", .type = SCHEMA_TIME, .flags = RO, \
		.help = N_("when it was last changed")}
#define DISPLAY(of) {.name = of "_display", .type = SCHEMA_STRING, .flags = DERIVED}
/* clang-format on */

/* Of people and of the broker's own accounts (schema_access.c). */
extern const struct schema_field schema_emqx_user_fields[];
extern const struct schema_field schema_emqx_acl_fields[];
extern const struct schema_field schema_user_fields[];
extern const struct schema_field schema_role_fields[];

#endif
