/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mosquitto's own files, DIR/passwords (password_file) and DIR/acl (acl_file). What the platform does not know stays
 * in them as it is: other users, "pattern" lines, comments. */
#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "access/device_password.h"
#include "access/mosquitto_file.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "exec/spawn.h"
#include "iotctl/acl/acl_file.h"
#include "iotctl/sync/sync.h"
#include "iotctl/sync/sync_lock.h"

enum { FILE_MOST = 256 << 20 };

/* Where the record of what was sent says that mosquitto has not read the files yet. */
static const char unread[] = "unread";

struct files {
	char *passwords, *acl;
	struct buf head_passwords, head_acl; /* lines of no user */
	char *user; /* whose lines are being read; NULL: nobody's */
	struct buf rules;
};

static int
open_files(struct sync *s, struct err *err)
{
	struct files *f;

	if (s->c->args->dir == NULL)
		return err_set(err, ERR_USAGE,
		    _("--dir says where mosquitto's files are: DIR/passwords and "
		      "DIR/acl"));
	s->own = f = xcalloc(1, sizeof(*f));
	f->passwords = xasprintf("%s/passwords", s->c->args->dir);
	f->acl = xasprintf("%s/acl", s->c->args->dir);
	return 0;
}

static int
lock_files(struct sync *s, struct span broker, struct err *err)
{
	(void)broker;
	return sync_lock_dir(s->c->args->dir, err);
}

static void
close_files(struct sync *s)
{
	struct files *f = s->own;

	if (f == NULL)
		return;
	free(f->passwords);
	free(f->acl);
	free(f->user);
	buf_release(&f->head_passwords);
	buf_release(&f->head_acl);
	buf_release(&f->rules);
	free(f);
}

static void
keep(struct buf *head, const char *line)
{
	buf_puts(head, line);
	buf_putc(head, '\n');
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* A name as mosquitto takes it: without the blanks around it. */
static char *
bare_name(char *name)
{
	size_t n;

	while (is_blank(*name))
		name++;
	for (n = strlen(name); n > 0 && is_blank(name[n - 1]); n--)
		;
	name[n] = '\0';
	return name;
}

static int
take_password(void *arg, size_t number, char *line, struct err *err)
{
	struct sync *s = arg;
	struct files *f = s->own;
	char *colon = strchr(line, ':');

	(void)number;
	(void)err;
	if (line[0] == '#' || colon == NULL) {
		if (line[0] != '\0')
			keep(&f->head_passwords, line);
		return 0;
	}
	*colon = '\0';
	sync_found(s, bare_name(line), true, bare_name(colon + 1), NULL);
	return 0;
}

static void
end_user(struct sync *s)
{
	struct files *f = s->own;

	if (f->user != NULL)
		sync_found(s, f->user, false, NULL, buf_str(&f->rules));
	free(f->user);
	f->user = NULL;
	buf_clear(&f->rules);
}

/* Whether a line begins with this word, blanks before it or not, and what follows it. */
static char *
behind_word(char *line, const char *word)
{
	size_t n = strlen(word);

	while (is_blank(*line))
		line++;
	if (strncmp(line, word, n) != 0 || !is_blank(line[n]))
		return NULL;
	return line + n;
}

static int
take_rule(void *arg, size_t number, char *line, struct err *err)
{
	struct sync *s = arg;
	struct files *f = s->own;
	char *name = behind_word(line, "user");
	const struct sync_user *u;

	(void)number;
	(void)err;
	if (name != NULL) {
		end_user(s);
		f->user = xstrdup(bare_name(name));
		/* One without a rule is told, too. */
		sync_found(s, f->user, false, NULL, NULL);
		return 0;
	}
	if (f->user == NULL || behind_word(line, "pattern") != NULL) {
		keep(&f->head_acl, line);
		return 0;
	}
	u = sync_find(s, f->user);
	/* A remark behind the rules that we write is about whoever comes next. */
	if (line[0] != '\0')
		keep(line[0] == '#' && u->known ? &f->head_acl : &f->rules, line);
	return 0;
}

static int
read_file(struct sync *s, const char *path,
    int (*take)(void *arg, size_t number, char *line, struct err *err), bool secret,
    struct err *err)
{
	struct buf text = {0};
	FILE *in;
	int failed;

	if (access(path, F_OK) != 0 && errno == ENOENT)
		return 0;
	failed = file_read(path, FILE_MOST, &text, err);
	if (!failed && text.n != 0) {
		in = fmemopen(text.p, text.n, "r");
		failed = in == NULL
		    ? err_sys(err, ERR_FAILED, _("cannot read '%s'"), path)
		    : file_lines(in, path, take, s, err);
		if (in != NULL)
			fclose(in);
	}
	if (secret && text.p != NULL)
		explicit_bzero(text.p, text.n);
	buf_release(&text);
	return failed;
}

static int
read_files(struct sync *s, struct err *err)
{
	struct files *f = s->own;

	if (read_file(s, f->passwords, take_password, true, err) ||
	    read_file(s, f->acl, take_rule, false, err))
		return -1;
	end_user(s);
	return 0;
}

/* It would be nobody's login there, or somebody else's. */
static int
check_name(const char *username, struct err *err)
{
	const char *at = username;

	if (strchr(username, ':') != NULL)
		return err_set(
		    err, ERR_REFUSED, _("mosquitto takes no user name with ':'"));
	if (username[0] == '#' || is_blank(username[0]) ||
	    is_blank(username[strlen(username) - 1]))
		return err_set(err, ERR_REFUSED,
		    _("mosquitto takes no user name with '#' or a blank in front, or a "
		      "blank at its end"));
	while ((unsigned char)*at >= ' ' && *at != 127)
		at++;
	return *at == '\0' ? 0
			   : err_set(err, ERR_REFUSED,
				 _("mosquitto takes no user name with a control "
				   "character"));
}

static int
render_files(struct sync *s, const struct access *a, struct buf *out, struct err *err)
{
	struct buf block = {0};
	const char *lines;

	if (acl_file_put_user(&block, a, &s->loss, &s->failed, err)) {
		buf_release(&block);
		return -1;
	}
	/* Behind the empty line and that with the user. */
	lines = block.n != 0 ? strchr(buf_str(&block) + 1, '\n') : NULL;
	if (lines != NULL)
		buf_puts(out, lines + 1);
	buf_release(&block);
	return 0;
}

/* Not its rules alone: a user whose password is not known has them, too. */
static bool
has_lines(const struct sync_user *u)
{
	return (u->todo & SYNC_REMOVE) == 0 &&
	    ((u->todo & SYNC_RULES) != 0 ? u->rules : u->rules_there) != NULL;
}

/* Who has it stays as he is, but a mosquitto that is told to read its files would end at it. */
static int
check_hash(const struct sync_user *u, struct err *err)
{
	if ((u->todo & SYNC_REMOVE) != 0 || device_password_is_readable(u->hash_there))
		return 0;
	return err_set(err, ERR_REFUSED,
	    _("the hash of login '%s' in mosquitto's file is cut or spoiled, and a "
	      "mosquitto that reads it ends: remove that line, or make the login anew"),
	    u->username);
}

static int
put_user(struct sync_user *u, struct buf *passwords, struct buf *acl, struct err *err)
{
	const char *rules = (u->todo & SYNC_RULES) != 0 ? u->rules : u->rules_there;
	const bool is_new = (u->todo & (SYNC_LOGIN | SYNC_PASSWORD)) != 0;
	char *hash = NULL;

	/* A hash is for who has no known password, and no other than it. */
	if (is_new && u->hash != NULL &&
	    (u->password == NULL || device_password_matches(u->password, u->hash)))
		hash = xstrdup(u->hash);
	else if (is_new)
		hash = device_password_hash(u->password, DEVICE_PASSWORD_USUAL, err);
	else if (u->hash_there != NULL && check_hash(u, err))
		return -1;
	else if (u->hash_there != NULL)
		hash = xstrdup(u->hash_there);
	if (is_new && hash == NULL)
		return -1;
	if (hash != NULL && (u->todo & SYNC_REMOVE) == 0)
		buf_printf(passwords, "%s:%s\n", u->username, hash);
	if (has_lines(u))
		buf_printf(acl, "\nuser %s\n%s", u->username, rules);
	/* Whoever applies again without reading writes it again. */
	free(u->hash_there);
	u->hash_there = hash;
	return 0;
}

/* The shell's words, with its output on ours; 0 when it says that it went well. */
static int
run_reload(const char *command, struct err *err)
{
	char *const words[] = {"sh", "-c", (char *)command, NULL};
	const struct spawn sh = {.role = SPAWN_HANDLER,
	    .path = "/bin/sh",
	    .words = words,
	    .in = -1,
	    .out = STDERR_FILENO};
	pid_t pid;
	int status;

	if (spawn_start(&sh, &pid))
		return err_sys(err, ERR_FAILED, _("cannot run '%s'"), command);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return err_set(err, ERR_FAILED,
	    _("the files are written, but '%s' failed: mosquitto goes on with what it "
	      "had"),
	    command);
}

/* Until it went well once: a run that is stopped here is gone on with by the next. */
static int
reload(struct sync *s, struct err *err)
{
	const char *command = s->c->args->reload;
	struct files *f = s->own;
	char *place = xasprintf("%s %s", unread, f->acl);
	int failed = 0;

	if (json_object_get(s->sent.all, place) != NULL && command != NULL) {
		failed = run_reload(command, err);
		if (!failed)
			json_object_del(s->sent.all, place);
		s->sent.changed |= !failed;
	} else if (json_object_get(s->sent.all, place) != NULL) {
		log_warn(_("mosquitto reads its files when it is told to, by SIGHUP: "
			   "--reload CMD does that"));
		json_object_del(s->sent.all, place);
	}
	free(place);
	return failed;
}

static int
write_files(struct sync *s, struct buf *passwords, struct buf *acl, struct err *err)
{
	struct files *f = s->own;
	char *place = xasprintf("%s %s", unread, f->acl);

	json_object_set_new(s->sent.all, place, json_true());
	s->sent.changed = true;
	sent_secrets_save(&s->sent);
	free(place);
	/* Rules first: nobody comes in before there are any for him. */
	return mosquitto_file_write(f->acl, buf_as_span(acl), err) ||
		mosquitto_file_write(f->passwords, buf_as_span(passwords), err)
	    ? -1
	    : 0;
}

/* Lines of no user, without empty ones at their end: one comes before each user. */
static void
put_head(struct buf *out, const struct buf *head)
{
	size_t n = head->n;

	while (n > 0 && head->p[n - 1] == '\n' && (n == 1 || head->p[n - 2] == '\n'))
		n--;
	buf_span(out, (struct span){head->p, n});
}

static int
apply_files(struct sync *s, struct err *err)
{
	struct files *f = s->own;
	struct buf passwords = {0}, acl = {0};
	int failed = 0;
	size_t i;

	if (sync_count(s, SYNC_LOGIN | SYNC_PASSWORD | SYNC_RULES | SYNC_REMOVE) == 0)
		return reload(s, err);
	buf_span(&passwords, buf_as_span(&f->head_passwords));
	put_head(&acl, &f->head_acl);
	for (i = 0; i < s->n && !failed; i++)
		failed = put_user(&s->v[i], &passwords, &acl, err);
	failed = failed || write_files(s, &passwords, &acl, err) || reload(s, err);
	for (i = 0; i < s->n && !failed; i++) {
		if (s->v[i].todo != 0)
			sync_done(s, &s->v[i]);
	}
	if (passwords.p != NULL)
		explicit_bzero(passwords.p, passwords.n);
	buf_release(&passwords);
	buf_release(&acl);
	return failed ? -1 : 0;
}

const struct sync_driver sync_files = {.name = "files",
    .by_hand = "mosquitto_passwd",
    .let_read_and_publish = N_("as the broker's own user is, and one of --service"),
    .rules_alone = true,
    .reads_late = true,
    .open = open_files,
    .lock = lock_files,
    .read = read_files,
    .check_name = check_name,
    .render = render_files,
    .apply = apply_files,
    .close = close_files};
