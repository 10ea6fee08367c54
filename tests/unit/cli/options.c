/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The option table and the configuration: one set of targets, many sources. */
#include "base/strv.h"
#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/opt.h"
#include "base/text.h"
#include "cli/config.h"

enum { FMT_TEXT, FMT_JSON };

struct args {
	struct common common;
	int qos;
	int format;
	int64_t wait;
	int64_t size;
	char *topic;
	char *secret;
	struct strv names;
	bool retain, last;
	int level, pages;
};

/* The keys are ones that some program really has: the configuration knows no others. */
static const struct opt opts[] = {
    OPT_INT(struct args, qos, 'q', "qos", "LEVEL", 0, 2, "quality of service"),
    OPT_ENUM(struct args, format, 0, "format", "FORMAT", "text|json", "what comes out"),
    OPT_TIME(struct args, wait, 'W', "wait", "TIME", "how long", .key = "timeout"),
    OPT_SIZE(
	struct args, size, 0, "size", "SIZE", 16, 1 << 20, "how much", .preset = "64K"),
    OPT_STR(struct args, topic, 't', "topic", "TOPIC", "where", .key = "mqtt_host",
	.env = "IOT_TEST_TOPIC"),
    OPT_STR(struct args, secret, 'P', "pw", "PASSWORD", "secret", .flags = OPT_SECRET),
    OPT_LIST(struct args, names, 0, "names", "NAMES", "some", .flags = OPT_COMMAS),
    OPT_FLAG(struct args, retain, 'r', "retain", "keep", .needs = "topic"),
    OPT_FLAG(struct args, retain, 0, "keep", "the same", .needs = "qos"),
    OPT_INT(struct args, level, 'l', NULL, "N", 0, 9, "level", .needs = "retain"),
    OPT_GROUP("Pages", .needs = "format=json|format=text"),
    OPT_INT(struct args, pages, 0, "pages", "N", 0, 9, "how many", .key = "keepalive"),
    OPT_FLAG(struct args, last, 0, "last", "the last", .needs = "format=json"),
    OPT_COMMON_MQTT(struct args, common), OPT_END};

static const struct program program = {.name = "iottest",
    .section = 1,
    .brief = "tests options",
    .usage = (const char *const[]){"[options] OPERAND...", NULL},
    .opts = opts};

struct fixture {
	struct opt_set set;
	struct args args;
	struct err err;
	char dir[32];
	int first;
};

static int
setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/iot-unit.XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	setenv("XDG_CONFIG_HOME", f->dir, 1);
	unsetenv("IOT_CONFIG");
	unsetenv("IOT_CONTEXT");
	unsetenv("IOT_TEST_TOPIC");
	opt_init(&f->set, &program, &f->args);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char *remove = xasprintf("rm -r %s", f->dir);
	int status = system(remove);

	free(remove);
	opt_release(&f->set);
	free(f);
	return status;
}

/* Parses a copy of the words, which must outlive the call only. */
static int
parse(struct fixture *f, const char *words)
{
	struct strv v = {0};
	int failed;

	strv_add(&v, "iottest");
	strv_split(&v, words, ' ');
	v.v = xreallocarray(v.v, v.n + 1, sizeof(*v.v));
	v.v[v.n] = NULL;
	failed = opt_parse(&f->set, (int)v.n, v.v, &f->first, &f->err);
	f->first = (int)v.n - f->first;
	strv_release(&v);
	return failed;
}

static void
config_is(struct fixture *f, const char *text)
{
	char *path = xasprintf("%s/iot/iot.conf", f->dir);

	assert_int_equal(file_write(path, span_of(text), 0600, &f->err), 0);
	free(path);
}

static void
options_fill_typed_targets(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(
	    parse(f, "a -q 2 --format json -W 2m b --names x,y -r -t top --size 64K"), 0);
	assert_int_equal(f->args.qos, 2);
	assert_int_equal(f->args.format, FMT_JSON);
	assert_int_equal(f->args.wait, 120000);
	assert_int_equal(f->args.size, 65536);
	assert_string_equal(f->args.topic, "top");
	assert_int_equal(f->args.names.n, 2);
	assert_true(f->args.retain);
	assert_int_equal(f->first, 2);
}

static void
presets_are_values_like_any(void **state)
{
	struct fixture *f = *state;
	struct buf help = {0};

	assert_int_equal(f->args.size, 65536);
	assert_int_equal(
	    opt_source_of(&f->set, offsetof(struct args, size)), OPT_FROM_BUILTIN);
	opt_help(&f->set, &help);
	assert_non_null(strstr(buf_str(&help), "how much (64K)\n"));
	buf_release(&help);
	assert_int_equal(parse(f, "--size 1K"), 0);
	assert_int_equal(f->args.size, 1024);
}

static void
wrong_options_are_explained(void **state)
{
	static const struct {
		const char *words, *text;
	} cases[] = {
	    {"-q 3", "--qos: '3' is not a whole number from 0 to 2"},
	    {"--size 2M",
		"--size: '2M' is not a size from 16 to 1048576 bytes, such as 64K or 1M"},
	    {"--size 15",
		"--size: '15' is not a size from 16 to 1048576 bytes, such as "
		"64K or 1M"},
	    {"--size 1k",
		"--size: '1k' is not a size from 16 to 1048576 bytes, such as "
		"64K or 1M"},
	    {"--size 99999999999999999G",
		"--size: '99999999999999999G' is not a size "
		"from 16 to 1048576 bytes, such as 64K or 1M"},
	    {"--format yaml", "--format: 'yaml' is none of text|json"},
	    {"--retian", "unknown option '--retian'; did you mean '--retain'?"},
	    {"-Z", "unknown option '-Z'; see 'iottest --help'"},
	    {"--topic", "option '--topic' needs an argument"},
	    {"--retain=1", "option '--retain=1' takes no argument"},
	};
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(parse(f, cases[i].words), -1);
		assert_int_equal(f->err.code, ERR_USAGE);
		assert_string_equal(f->err.text, cases[i].text);
	}
}

/* NULL: nothing is missing. */
static void
check_needs(struct fixture *f, const char *words, const char *text)
{
	opt_release(&f->set);
	f->args = (struct args){0};
	opt_init(&f->set, &program, &f->args);
	assert_int_equal(parse(f, words), 0);
	assert_int_equal(config_load(&f->set, &f->args.common, &f->err), 0);
	assert_int_equal(opt_check_needs(&f->set, &f->err), text != NULL ? -1 : 0);
	if (text != NULL)
		assert_string_equal(f->err.text, text);
}

static void
options_that_need_others_wait_for_them(void **state)
{
	struct fixture *f = *state;

	check_needs(f, "-r", "--retain needs --topic");
	check_needs(f, "-r -t top", NULL);
	check_needs(f, "--keep", "--keep needs --qos");
	check_needs(f, "-l 1", "-l needs --retain");
	/* By the other name of what it needs. */
	check_needs(f, "-l 1 --keep -q 1", NULL);
	check_needs(f, "--pages 2", "--pages needs one of --format json, --format text");
	check_needs(f, "--pages 2 --format text", NULL);
	check_needs(f, "--last --format text", "--last needs --format json");
	check_needs(f, "--last --format json", NULL);
	check_needs(f, "--quiet", NULL);
	config_is(f, "keepalive = 2\n");
	check_needs(f, "", NULL);
	config_is(f, "mqtt_host = top\n");
	check_needs(f, "-r", NULL);
}

static void
secrets_leave_argv(void **state)
{
	char name[] = "iottest", letter[] = "-P", secret[] = "hunter2";
	char *argv[] = {name, letter, secret, NULL};
	struct fixture *f = *state;

	assert_int_equal(opt_parse(&f->set, 3, argv, &f->first, &f->err), 0);
	assert_string_equal(f->args.secret, "hunter2");
	assert_string_equal(secret, "xxxxxxx");
}

static void
stronger_sources_win(void **state)
{
	struct fixture *f = *state;

	config_is(f,
	    "mqtt_host = plain\ntimeout = 5s\n[lab]\nmqtt_host = lab\n[prod]\nmqtt_host "
	    "= prod\n");
	assert_int_equal(parse(f, "--context lab"), 0);
	assert_int_equal(config_load(&f->set, &f->args.common, &f->err), 0);
	assert_string_equal(f->args.topic, "lab");
	assert_int_equal(f->args.wait, 5000);
	assert_int_equal(
	    opt_source_of(&f->set, offsetof(struct args, topic)), OPT_FROM_CONTEXT);
	setenv("IOT_TEST_TOPIC", "env", 1);
	assert_int_equal(config_load(&f->set, &f->args.common, &f->err), 0);
	assert_string_equal(f->args.topic, "env");
	assert_int_equal(parse(f, "-t argv"), 0);
	assert_int_equal(config_load(&f->set, &f->args.common, &f->err), 0);
	assert_string_equal(f->args.topic, "argv");
}

static void
the_file_can_choose_the_context(void **state)
{
	struct fixture *f = *state;

	config_is(f, "[lab]\nmqtt_host = lab\n");
	assert_int_equal(config_load(&f->set, &f->args.common, &f->err), 0);
	assert_null(f->args.topic);
	config_is(f, "context = lab\n[lab]\nmqtt_host = lab\n");
	assert_int_equal(config_load(&f->set, &f->args.common, &f->err), 0);
	assert_string_equal(f->args.topic, "lab");
	assert_string_equal(f->args.common.context, "lab");
}

static void
wrong_configuration_names_file_and_line(void **state)
{
	static const struct {
		const char *config, *part;
	} cases[] = {
	    {"# c\nmqtt_hots = x\n",
		"iot.conf:2: unknown key 'mqtt_hots'; did you mean "},
	    {"timeout = soon\n", "iot.conf:1: timeout: 'soon' is not a time"},
	    {"mqtt_host = a ;b\n", "iot.conf:1: ' ;' inside a value"},
	    {"nonsense\n", "iot.conf:1: neither"},
	    {"context = nowhere\n", "no context 'nowhere'"},
	};
	struct fixture *f = *state;
	char longest[300];
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		config_is(f, cases[i].config);
		assert_int_equal(config_load(&f->set, &f->args.common, &f->err), -1);
		assert_int_equal(f->err.code, ERR_USAGE);
		assert_non_null(strstr(f->err.text, cases[i].part));
	}
	memset(longest, 'x', sizeof(longest));
	memcpy(longest, "mqtt_host = ", 12);
	strcpy(longest + sizeof(longest) - 2, "\n");
	config_is(f, longest);
	assert_int_equal(config_load(&f->set, &f->args.common, &f->err), -1);
	assert_non_null(strstr(f->err.text, "iot.conf:1: line longer than"));
}

static void
saving_keeps_other_lines(void **state)
{
	const struct config_pair pairs[] = {{"mqtt_host", "new"}, {"timeout", NULL}};
	struct fixture *f = *state;
	char *path = xasprintf("%s/iot/iot.conf", f->dir);
	struct buf b = {0};

	config_is(f,
	    "# mine\ncontext = lab\n[lab]\ntimeout = 1\nmqtt_host = old\n[b]\nmqtt_host "
	    "= b\n");
	assert_int_equal(config_save(path, "lab", pairs, 2, &f->err), 0);
	assert_int_equal(file_read(path, 1000, &b, &f->err), 0);
	assert_string_equal(buf_str(&b),
	    "# mine\ncontext = lab\n[lab]\nmqtt_host = new\n[b]\nmqtt_host = b\n");
	buf_clear(&b);
	assert_int_equal(config_save(path, "c", pairs, 2, &f->err), 0);
	assert_int_equal(file_read(path, 1000, &b, &f->err), 0);
	assert_non_null(strstr(buf_str(&b), "\n[c]\nmqtt_host = new\n"));
	buf_release(&b);
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	    TEST(options_fill_typed_targets),
	    TEST(presets_are_values_like_any),
	    TEST(wrong_options_are_explained),
	    TEST(options_that_need_others_wait_for_them),
	    TEST(secrets_leave_argv),
	    TEST(stronger_sources_win),
	    TEST(the_file_can_choose_the_context),
	    TEST(wrong_configuration_names_file_and_line),
	    TEST(saving_keeps_other_lines),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
