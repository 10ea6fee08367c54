/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who asks: login, refresh, the bearer token of every other request. */
#include "iotapi/api/auth.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/field_errs.h"
#include "iotapi/api/guesses.h"
#include "iotapi/api/password.h"
#include "iotapi/api/resource.h"
#include "iotapi/api/users.h"
#include "iotapi/event.h"
#include "iotapi/http/answer.h"
#include "iotapi/http/json_out.h"

static int
refuse_token(struct request *rq)
{
	static const char body[] =
	    "{\"detail\":\"Given token not valid for any token type\",\"code\":"
	    "\"token_not_valid\",\"messages\":[{\"token_class\":\"AccessToken\","
	    "\"token_type\":\"access\",\"message\":\"Token is invalid or expired\"}]}";

	rq->status = 401;
	buf_clear(&rq->out);
	buf_puts(&rq->out, body);
	return -1;
}

int
auth_check(struct request *rq)
{
	const char *header = rq->authorization;
	const char *token;

	if (header == NULL || strncasecmp(header, "Bearer", 6) != 0 ||
	    (header[6] != ' ' && header[6] != '\0'))
		return answer_detail(
		    rq, 401, NULL, "Authentication credentials were not provided.");
	token = header + 6 + strspn(header + 6, " ");
	if (*token == '\0' || strchr(token, ' ') != NULL)
		return answer_detail(rq, 401, "bad_authorization_header",
		    "Authorization header must contain two space-delimited values");
	rq->person = users_token_owner(rq->db, token, TOKEN_ACCESS, &rq->read_only);
	return rq->person != 0 ? 0 : refuse_token(rq);
}

/* A string of the body; NULL with one more wrong field. */
static const char *
need_string(struct request *rq, const char *name)
{
	const json_t *v = json_object_get(rq->json, name);
	const char *wrong = v == NULL    ? "This field is required."
	    : json_is_null(v)            ? "This field may not be null."
	    : !json_is_string(v)         ? "Not a valid string."
	    : json_string_length(v) == 0 ? "This field may not be blank."
					 : NULL;

	if (wrong != NULL)
		field_errs_add(&rq->errs, name, "%s", wrong);
	return wrong == NULL ? json_string_value(v) : NULL;
}

/* The stored hash of a person (free), NULL for nobody. */
static char *
find_hash(struct request *rq, const char *username)
{
	sqlite3_stmt *stmt = db_query(rq->db, NULL,
	    "SELECT id, password_hash FROM person WHERE username = ?1 AND is_active", "s",
	    username);
	char *hash = NULL;

	if (stmt != NULL && db_step(rq->db, stmt, NULL) == 1) {
		rq->person = sqlite3_column_int64(stmt, 0);
		hash = xstrdup(db_column_text(stmt, 1).p);
	}
	if (stmt != NULL)
		sqlite3_reset(stmt);
	return hash;
}

/* A line for programs that keep such addresses away (fail2ban). The name only of a user that there is: what others
 * typed there may be their password. */
static void
log_refused(const struct request *rq, const char *user, const char *fmt, long long n)
{
	struct buf text = {0};

	buf_printf(&text, "login refused: address=%s", rq->peer);
	if (user != NULL)
		buf_printf(&text, " user=%s", user);
	buf_printf(&text, " %s=%lld", fmt, n);
	event_notice("%s", buf_str(&text)); /* each of them counts, equal ones too */
	buf_release(&text);
}

static void
answer_wait(struct request *rq, int64_t seconds)
{
	rq->retry_after = seconds;
	answer_detail(rq, 429, "throttled",
	    "Request was throttled. Expected available in %lld seconds.",
	    (long long)seconds);
}

/* Before anybody looks at the password. */
static void
refuse_guess(struct request *rq, int64_t wait)
{
	answer_wait(rq, (wait + 999) / 1000);
	atomic_fetch_add(&rq->app->counts.logins_refused, 1);
	if (guesses_tell(rq->app->guesses, clock_ms()))
		log_refused(rq, NULL, "wait", rq->retry_after);
}

void
auth_login_full(struct request *rq, int64_t seconds)
{
	if (!atomic_load(&rq->app->stopping))
		event_error("address", rq->peer,
		    "logins are put off: too many passwords wait to be checked");
	answer_wait(rq, seconds);
}

static void
refuse_login(struct request *rq)
{
	field_errs_add(
	    &rq->errs, "non_field_errors", "Unable to log in with provided credentials.");
}

static void
check_password(struct request *rq, const char *username, const char *password)
{
	struct guesses *g = rq->app->guesses;
	const int64_t wait = guesses_wait(g, username, clock_ms());
	struct err err;
	char *hash;

	if (wait != 0) {
		refuse_guess(rq, wait);
		return;
	}
	hash = find_hash(rq, username);
	if (db_failed(rq->db, &err))
		return; /* told by who asked; the name says nothing then */
	if (password_matches(password, hash)) {
		guesses_passed(g, username);
		rq->hash = xstrdup(hash);
	} else {
		atomic_fetch_add(&rq->app->counts.logins_refused, 1);
		log_refused(rq, hash != NULL ? username : NULL, "failures",
		    guesses_failed(g, username, clock_ms()));
		refuse_login(rq);
	}
	free(hash);
}

/* The password is checked here, outside of any transaction: it takes its time. */
void
auth_login_prepare(struct request *rq)
{
	static const char *const names[] = {"username", "password", NULL};
	const char *username, *password;

	resource_body_named(rq, names);
	if (rq->status != 0)
		return;
	username = need_string(rq, "username");
	password = need_string(rq, "password");
	if (rq->errs.n == 0)
		check_password(rq, username, password);
	if (rq->errs.n != 0)
		answer_errs(rq);
}

static int
put_me(struct request *rq, struct err *err)
{
	sqlite3_stmt *stmt = db_query(rq->db, err,
	    "SELECT id, username, is_active, created_at, read_only FROM person WHERE id "
	    "= ?1",
	    "i", rq->person);

	if (stmt == NULL || db_step(rq->db, stmt, err) != 1)
		return -1;
	buf_printf(&rq->out,
	    "{\"id\":%lld,\"username\":", (long long)sqlite3_column_int64(stmt, 0));
	json_put_string(&rq->out, db_column_text(stmt, 1));
	buf_printf(&rq->out, ",\"is_active\":%s,\"is_superuser\":%s,\"created_at\":",
	    sqlite3_column_int(stmt, 2) ? "true" : "false",
	    rq->read_only || sqlite3_column_int(stmt, 4) ? "false" : "true");
	json_put_string(&rq->out, db_column_text(stmt, 3));
	buf_putc(&rq->out, '}');
	sqlite3_reset(stmt);
	return 0;
}

/* The two new tokens as members of the answer. */
static int
put_tokens(struct request *rq, struct err *err)
{
	struct users_grant grant = {.person = rq->person, .kind = TOKEN_REFRESH};
	char *refresh = users_token(rq->db, &grant, err), *access;
	bool good;

	grant.kind = TOKEN_ACCESS;
	access = users_token(rq->db, &grant, err);
	good = refresh != NULL && access != NULL;
	if (good) {
		json_out_key(&rq->out, "refresh");
		json_out_string(&rq->out, refresh);
		json_out_key(&rq->out, "access");
		json_out_string(&rq->out, access);
	}
	mem_free_secret(refresh);
	mem_free_secret(access);
	return good ? 0 : -1;
}

/* While the password was checked it may have been changed, which ended the tokens that there were: no other may follow. */
static bool
is_still_right(struct request *rq)
{
	return db_number(rq->db, 0,
		   "SELECT 1 FROM person WHERE id = ?1 AND password_hash = ?2 AND "
		   "is_active",
		   "is", rq->person, rq->hash) == 1;
}

int
auth_login(struct request *rq, struct err *err)
{
	if (rq->status != 0)
		return -1;
	if (!is_still_right(rq)) {
		refuse_login(rq);
		return answer_errs(rq);
	}
	buf_puts(&rq->out, "{\"user\":");
	if (put_me(rq, err) || users_token_drop(rq->db, "", err) || put_tokens(rq, err))
		return -1;
	json_out_key(&rq->out, "message");
	json_out_string(&rq->out, "Login successful");
	buf_putc(&rq->out, '}');
	rq->status = 200;
	return 0;
}

void
auth_refresh_prepare(struct request *rq)
{
	static const char *const names[] = {"refresh", NULL};

	resource_body_named(rq, names);
	if (rq->status == 0 && need_string(rq, "refresh") == NULL)
		answer_errs(rq);
}

int
auth_refresh(struct request *rq, struct err *err)
{
	const char *token = json_string_value(json_object_get(rq->json, "refresh"));

	if (rq->status != 0)
		return -1;
	rq->person = users_token_owner(rq->db, token, TOKEN_REFRESH, &rq->read_only);
	if (rq->person == 0)
		return answer_detail(
		    rq, 401, "token_not_valid", "Token is invalid or expired");
	buf_putc(&rq->out, '{');
	if (users_token_drop(rq->db, token, err) || put_tokens(rq, err))
		return -1;
	buf_putc(&rq->out, '}');
	rq->status = 200;
	return 0;
}

int
auth_me(struct request *rq, struct err *err)
{
	if (put_me(rq, err))
		return -1;
	rq->status = 200;
	return 0;
}
