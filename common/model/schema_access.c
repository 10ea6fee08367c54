/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The schema table's rows of who may do what: people, and EMQX's own accounts and rules. Not every
 * backend has them. */
#include "model/schema_int.h"

/* clang-format off */
static const struct schema_choice verdicts[] = {{"allow", "Allow"}, {"deny", "Deny"}, {0}};
static const struct schema_choice acts[] = {{"publish", "Publish"},
    {"subscribe", "Subscribe"}, {"all", "All"}, {0}};
static const struct schema_choice qualities[] = {{"0", "0"}, {"1", "1"}, {"2", "2"}, {0}};
static const struct schema_choice retains[] = {{"0", "Not retained"}, {"1", "Retained"}, {0}};
static const struct schema_choice kinds[] = {{"interno", "Internal"},
    {"externo", "External"}, {0}};
static const struct schema_choice roles[] = {{"superusuario", "Superuser"},
    {"operador", "Operator"}, {"solo_lectura", "Read only"}, {0}};

const struct schema_field schema_emqx_user_fields[] = {
    ID_FIELD,
    {.name = "username", .alias = "usuario", .type = SCHEMA_STRING, .flags = R | UNIQ | COL,
	.max = 255, .help = N_("MQTT user name")},
    {.name = "password", .alias = "contrasena", .type = SCHEMA_STRING, .flags = WO, .max = 255,
	.help = N_("MQTT password; without one it cannot log in")},
    {.name = "is_superuser", .alias = "superuser", .type = SCHEMA_BOOL, .flags = COL,
	.preset = "false", .help = N_("whether no rule holds for it")},
    {.name = "dispositivo", .alias = "device", .type = SCHEMA_REF, .flags = NUL | COL,
	.ref = "device", .help = N_("the device it belongs to")},
    {.name = "dispositivo_nombre", .type = SCHEMA_STRING,
	.flags = DERIVED | COL | SCHEMA_MAY_MISS},
    {.name = "acl_rules_count", .type = SCHEMA_INT, .flags = DERIVED | COL},
    {.name = "acl_rules", .type = SCHEMA_JSON, .flags = DERIVED | SCHEMA_DETAIL},
    {.name = "created", .type = SCHEMA_TIME, .flags = RO, .help = N_("when it was made")},
    {0}};

const struct schema_field schema_emqx_acl_fields[] = {
    ID_FIELD,
    {.name = "username", .alias = "usuario", .type = SCHEMA_STRING, .flags = R | COL,
	.max = 255, .help = N_("MQTT user name it is for")},
    {.name = "permission", .type = SCHEMA_CHOICE, .flags = COL, .choices = verdicts,
	.preset = "\"allow\"", .help = N_("allow or deny")},
    DISPLAY("permission"),
    {.name = "action", .type = SCHEMA_CHOICE, .flags = R | COL, .choices = acts,
	.help = N_("what is allowed or denied")},
    DISPLAY("action"),
    {.name = "topic", .type = SCHEMA_STRING, .flags = R | COL, .max = 255,
	.help = N_("topic filter")},
    {.name = "qos", .type = SCHEMA_CHOICE_INT, .flags = NUL | COL, .choices = qualities,
	.help = N_("only at this quality of service")},
    DISPLAY("qos"),
    {.name = "retain", .type = SCHEMA_CHOICE_INT, .flags = NUL | COL, .choices = retains,
	.help = N_("only retained messages, or only others")},
    DISPLAY("retain"),
    {.name = "emqx_user", .type = SCHEMA_REF, .flags = NUL, .ref = "emqx-user",
	.help = N_("the account it is deleted with")},
    {.name = "created_at", .alias = "created", .type = SCHEMA_TIME, .flags = RO,
	.help = N_("when it was made")},
    {0}};

const struct schema_field schema_user_fields[] = {
    ID_FIELD,
    {.name = "username", .alias = "usuario", .type = SCHEMA_STRING, .flags = R | UNIQ | COL,
	.max = 150, .help = N_("login name")},
    {.name = "email", .alias = "correo", .type = SCHEMA_STRING, .flags = BLANK | COL,
	.max = 254, .help = N_("e-mail address")},
    {.name = "password", .alias = "contrasena", .type = SCHEMA_STRING, .flags = WO, .max = 128,
	.help = N_("API password")},
    {.name = "first_name", .type = SCHEMA_STRING, .flags = BLANK, .max = 150,
	.help = N_("first name")},
    {.name = "last_name", .type = SCHEMA_STRING, .flags = BLANK, .max = 150,
	.help = N_("family name")},
    {.name = "full_name", .type = SCHEMA_STRING, .flags = DERIVED | COL | SCHEMA_MAY_MISS},
    {.name = "tipo_usuario", .alias = "type", .type = SCHEMA_CHOICE, .flags = COL,
	.choices = kinds, .preset = "\"externo\"", .help = N_("internal or external")},
    DISPLAY("tipo_usuario"),
    {.name = "rol", .alias = "role", .type = SCHEMA_REF, .flags = NUL | COL, .ref = "role",
	.help = N_("what the user may do")},
    {.name = "rol_detail", .type = SCHEMA_JSON, .flags = DERIVED | SCHEMA_MAY_MISS},
    {.name = "is_active", .alias = "active", .type = SCHEMA_BOOL, .flags = COL,
	.preset = "true", .help = N_("whether the user may log in")},
    {.name = "is_superuser", .type = SCHEMA_BOOL, .flags = RO | COL | SCHEMA_MAY_MISS,
	.help = N_("whether everything is allowed")},
    {.name = "telegram_username", .type = SCHEMA_STRING, .flags = NUL | BLANK, .max = 100,
	.help = N_("name on Telegram")},
    {.name = "telegram_notifications_enabled", .type = SCHEMA_BOOL, .preset = "false",
	.help = N_("whether to notify there")},
    {.name = "last_login", .type = SCHEMA_TIME, .flags = RO | NUL | SCHEMA_MAY_MISS},
    TIMES,
    {0}};

const struct schema_field schema_role_fields[] = {
    ID_FIELD,
    {.name = "nombre", .alias = "name", .type = SCHEMA_CHOICE, .flags = R | UNIQ | COL,
	.choices = roles, .help = N_("name")},
    DISPLAY("nombre"),
    {.name = "descripcion", .alias = "description", .type = SCHEMA_TEXT,
	.flags = BLANK | COL, .preset = "\"\"", .help = N_("description")},
    {.name = "permisos", .type = SCHEMA_JSON, .flags = DERIVED},
    {.name = "permisos_ids", .alias = "permissions", .type = SCHEMA_JSON, .flags = WO,
	.help = N_("ids of permissions, a list")},
    {0}};
