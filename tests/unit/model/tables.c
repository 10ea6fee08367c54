/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CSV, the credentials file and the fleet file. */
#include "unit.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "model/credentials.h"
#include "model/fleet_file.h"

static char dir[] = "/tmp/iot-tables.XXXXXX";

static void
cells_come_as_rfc_4180_says(void **state)
{
	const struct span text = SPAN("\xEF\xBB\xBF"
				      "a,b,c\r\n"
				      "\r\n"
				      "1,\"x,\"\"y\"\"\nz\",\r\n"
				      " 2 ,,\"\"");
	struct csv t;
	struct err err = {0};

	(void)state;
	assert_int_equal(csv_read(&t, "f", text, &err), 0);
	assert_int_equal(t.columns, 3);
	assert_int_equal(t.n, 2);
	assert_int_equal(t.rows[0].line, 3);
	assert_string_equal(t.rows[0].cells[1], "x,\"y\"\nz");
	assert_string_equal(t.rows[0].cells[2], "");
	assert_int_equal(t.rows[1].line, 5);
	assert_string_equal(t.rows[1].cells[0], " 2 ");
	assert_int_equal(csv_column(&t, "c"), 2);
	assert_int_equal(csv_column(&t, "d"), -1);
	csv_release(&t);
	assert_int_equal(csv_read(&t, "f", SPAN("\n\n"), &err), 0);
	assert_int_equal(t.columns + t.n, 0);
	csv_release(&t);
}

static void
the_header_tells_the_separator(void **state)
{
	static const struct {
		struct span text;
		const char *cells[2];
	} cases[] = {
	    {SPAN("a;b\r\n\"x;y\";1,5\r\n"), {"x;y", "1,5"}},
	    {SPAN("\n\"a,;\";b\nx,y;\"1\"\n"), {"x,y", "1"}},
	    {SPAN("a\tb\nx;y\t\n"), {"x;y", ""}},
	    {SPAN("a;\tb\nx\ty;1\n"), {"x\ty", "1"}},
	    {SPAN("PK\x03\x04,b\nx,1\n"), {"x", "1"}},
	    {SPAN("a;c,b\tb\nx;y,1\t2\n"), {"x;y", "1\t2"}},
	};
	const char *const one[] = {"a;b"};
	struct buf b = {0};
	struct csv t;
	struct err err = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(csv_read(&t, "f", cases[i].text, &err), 0);
		assert_int_equal(t.columns, 2);
		assert_int_equal(t.n, 1);
		assert_string_equal(t.rows[0].cells[0], cases[i].cells[0]);
		assert_string_equal(t.rows[0].cells[1], cases[i].cells[1]);
		csv_release(&t);
	}
	csv_put_row(&b, one, 1);
	assert_string_equal(buf_str(&b), "\"a;b\"\n");
	buf_release(&b);
}

static void
bad_tables_are_refused_with_their_line(void **state)
{
	static const struct {
		struct span text;
		const char *wanted;
	} cases[] = {
	    {SPAN("a,b\n1,2\n1\n"), "f:3: 1 cell where the header has 2"},
	    {SPAN("a,b\n\"x\ny\",2,3\n"), "f:2: 3 cells where the header has 2"},
	    {SPAN("a\n\"x"), "f:2: a quote is opened and never closed"},
	    {SPAN("a\n\"x\"\""), "f:2: a quote is opened and never closed"},
	    {SPAN("a\n\"x\"y\n"), "f:2: after a closing quote a comma must follow"},
	    {SPAN("a;b\nx;y;z\n"),
		"f:2: 3 cells where the header has 2 (a semicolon separates them, as in "
		"the header: a cell with one goes in quotes)"},
	    {SPAN("a\tb\n\"x\",1\n"), "f:2: after a closing quote a tab must follow"},
	    {SPAN("a\nx\"y\n"), "f:2: a quote inside a cell"},
	    {SPAN("a,b,a\n"), "f:1: column 'a' is there twice"},
	    {SPAN("a\nx\nAlmac\xE9n\n"),
		"f:3: bytes that are no UTF-8; if it is Windows-1252: iconv -f "
		"WINDOWS-1252 -t UTF-8"},
	    {SPAN("a\nAlmac\x82n\n"),
		"f:2: bytes that are no UTF-8; if it is code page 850: iconv -f CP850 -t "
		"UTF-8"},
	    {SPAN("a\n\xC3\xB1\nAlmac\xE9n\n"),
		"f:3: bytes that are no UTF-8, among others that are"},
	    {SPAN("\xFF\xFE"
		  "a\0\n\0"),
		"f:1: UTF-16, not UTF-8: convert it with iconv -f UTF-16 -t UTF-8"},
	    {SPAN("\xFE\xFF\0a\0\n"),
		"f:1: UTF-16, not UTF-8: convert it with iconv -f UTF-16 -t UTF-8"},
	    {SPAN("a\0\n\0"),
		"f:1: UTF-16, not UTF-8: convert it with iconv -f UTF-16LE -t UTF-8"},
	    {SPAN("\0a\0\n"),
		"f:1: UTF-16, not UTF-8: convert it with iconv -f UTF-16BE -t UTF-8"},
	    {SPAN("PK\x03\x04\x14\0\n\0"), "f:1: a ZIP archive, such as a spreadsheet"},
	    {SPAN("\x1F\x8B\x08"), "f:1: compressed: gzip -dc shows its text"},
	    {SPAN("a\nb\0c\n"), "f:2: a NUL byte"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct csv t;
		struct err err = {0};

		assert_int_equal(csv_read(&t, "f", cases[i].text, &err), -1);
		assert_int_equal(err.code, ERR_USAGE);
		err.text[strlen(cases[i].wanted)] = '\0';
		assert_string_equal(err.text, cases[i].wanted);
		csv_release(&t);
	}
}

static void
a_header_is_bounded(void **state)
{
	struct buf b = {0};
	struct csv t;
	struct err err = {0};
	size_t i;

	(void)state;
	for (i = 0; i < 500000; i++)
		buf_printf(&b, "%zu,", i);
	assert_int_equal(csv_read(&t, "f", buf_as_span(&b), &err), -1);
	assert_string_equal(err.text, "f:1: more than 4096 columns");
	csv_release(&t);
	buf_release(&b);
}

static void
what_is_written_reads_back(void **state)
{
	const char *const cells[] = {"plain", "a,b", "\"q\"", "l\nm", NULL, " b "};
	const char *const none[] = {""};
	struct buf b = {0};
	struct csv t;
	struct err err = {0};
	size_t i;

	(void)state;
	csv_put_row(&b, cells, 6);
	assert_string_equal(buf_str(&b), "plain,\"a,b\",\"\"\"q\"\"\",\"l\nm\",, b \n");
	assert_int_equal(csv_read(&t, "f", buf_as_span(&b), &err), 0);
	for (i = 0; i < 6; i++)
		assert_string_equal(t.header.cells[i], cells[i] != NULL ? cells[i] : "");
	csv_release(&t);
	buf_clear(&b);
	csv_put(&b, SPAN("a;b"), ';');
	csv_put_row(&b, none, 1);
	assert_string_equal(buf_str(&b), "\"a;b\"\"\"\n");
	buf_release(&b);
}

static char *
in_dir(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static void
credentials_are_saved_and_found(void **state)
{
	const struct credential first[] = {
	    {.device = "b", .client_id = "b-id", .username = "u", .password = "p,\"q\""},
	    {.device = "a", .password = "old"},
	};
	const struct credential second[] = {{.device = "a", .password = "new"}};
	char *path = in_dir("state/c.csv");
	struct credentials c;
	struct stat st;
	struct err err = {0};

	(void)state;
	assert_int_equal(credentials_load(&c, path, false, &err), 0);
	assert_null(credentials_find(&c, "a"));
	assert_int_equal(credentials_load(&c, path, true, &err), -1);
	assert_int_equal(credentials_save(path, first, 2, &err), 0);
	assert_int_equal(credentials_save(path, second, 1, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(credentials_load(&c, path, true, &err), 0);
	assert_int_equal(c.n, 2);
	assert_string_equal(credentials_find(&c, "a")->password, "new");
	assert_null(credentials_find(&c, "a")->username);
	assert_string_equal(credentials_find(&c, "b")->password, "p,\"q\"");
	assert_string_equal(credentials_find(&c, "b")->client_id, "b-id");
	credentials_release(&c);
	assert_int_equal(credentials_add(path, first, 2, &err), 0);
	assert_int_equal(credentials_load(&c, path, true, &err), 0);
	assert_string_equal(credentials_find(&c, "a")->password, "new");
	credentials_release(&c);
	free(path);
}

static void
what_could_not_be_read_again_is_not_written(void **state)
{
	const struct credential good = {.device = "a", .password = "old"};
	const struct credential bad[][2] = {
	    {{.device = "", .client_id = "c"}, {.device = "b"}},
	    {{.device = "b"}, {.device = "b"}},
	    {{.device = "b", .username = "\xFF"}, {.device = "c"}},
	};
	char *path = in_dir("readable.csv");
	struct credentials c;
	size_t i;

	(void)state;
	assert_int_equal(credentials_save(path, &good, 1, &(struct err){0}), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = {0};

		assert_int_equal(credentials_save(path, bad[i], 2, &err), -1);
		assert_int_equal(err.code, ERR_USAGE);
		assert_non_null(
		    strstr(err.text, "not saved, it could not be read again"));
		assert_int_equal(credentials_load(&c, path, true, &err), 0);
		assert_int_equal(c.n, 1);
		assert_string_equal(credentials_find(&c, "a")->password, "old");
		credentials_release(&c);
	}
	free(path);
}

static void
writers_at_once_lose_no_rows(void **state)
{
	enum { WRITERS = 4, ROWS = 10 };
	char *path = in_dir("many.csv");
	struct credentials c;
	struct err err = {0};
	int i, j, status;

	(void)state;
	for (i = 0; i < WRITERS; i++) {
		if (fork() != 0)
			continue;
		for (j = 0, status = 0; j < ROWS; j++) {
			char *name = xasprintf("d%d-%d", i, j);
			struct credential row = {.device = name};

			status |= credentials_save(path, &row, 1, &err);
			free(name);
		}
		_exit(status != 0);
	}
	for (i = 0; i < WRITERS; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(credentials_load(&c, path, true, &err), 0);
	assert_int_equal(c.n, WRITERS * ROWS);
	credentials_release(&c);
	free(path);
}

static void
put_file(const char *path, const char *text, mode_t mode)
{
	struct err err = {0};

	assert_int_equal(file_write(path, span_of(text), mode, &err), 0);
}

static void
bad_credentials_are_refused(void **state)
{
	static const struct {
		const char *text;
		mode_t mode;
		const char *wanted;
	} cases[] = {
	    {"device\na\n", 0644, "holds a secret and others may read it"},
	    {"device,pasword\na,b\n", 0600, ":1: the header of a credentials file is"},
	    {"client_id\na\n", 0600, ":1: the header of a credentials file is"},
	    {"device,key\n,b\n", 0600, ":2: no device is named"},
	    {"device\na\nb\na\n", 0600, "device 'a' is there twice"},
	};
	char *path = in_dir("bad.csv");
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct credentials c;
		struct err err = {0};

		put_file(path, cases[i].text, cases[i].mode);
		assert_int_equal(credentials_load(&c, path, false, &err), -1);
		assert_int_equal(err.code, ERR_USAGE);
		assert_non_null(strstr(err.text, cases[i].wanted));
		credentials_release(&c);
	}
	free(path);
}

static void
the_default_file_is_the_contexts(void **state)
{
	char *path;

	(void)state;
	setenv("XDG_STATE_HOME", "/s", 1);
	path = credentials_path(NULL, NULL);
	assert_string_equal(path, "/s/iot/default.csv");
	free(path);
	path = credentials_path(NULL, "lab");
	assert_string_equal(path, "/s/iot/lab.csv");
	free(path);
	path = credentials_path("x.csv", "lab");
	assert_string_equal(path, "x.csv");
	free(path);
}

static void
a_fleet_is_csv_or_json(void **state)
{
	static const char *const texts[] = {
	    "nombre,identificador_unico,sensores,publish_interval,broker\n"
	    "\"Nave 1, norte\",N1,temperature;humidity,60,\n"
	    "x,N2,,,\n",
	    "\n{\"nombre\":\"Nave 1, norte\",\"identificador_unico\":\"N1\","
	    "\"sensores\":[\"temperature\",\"humidity\"],\"publish_interval\":60,"
	    "\"broker\":null}\n"
	    "{\"identificador_unico\":\"N2\",\"nombre\":\"x\"}",
	    "\xEF\xBB\xBF"
	    "[\n {\"nombre\":\"Nave 1, norte\",\n  \"identificador_unico\":\"N1\","
	    "\"sensores\":[\"temperature\",\"humidity\"],\"publish_interval\":60},\n"
	    " {\"identificador_unico\":\"N2\",\"nombre\":\"x\"}]\n",
	    "\xEF\xBB\xBF\n"
	    "{\"identificador_unico\":\"N1\",\"nombre\":\"Nave 1, norte\","
	    "\"sensores\":\"temperature;humidity\",\"publish_interval\":\"60\"}\n"
	    "{\"identificador_unico\":\"N2\"}",
	};
	char *path = in_dir("fleet");
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct fleet_file f;
		struct err err = {0};

		put_file(path, texts[i], 0644);
		if (fleet_file_read(&f, path, NULL, &err) != 0)
			fail_msg("%zu: %s", i, err.text);
		assert_int_equal(f.n, 2);
		assert_int_equal(f.rows[0].line, 2);
		assert_string_equal(f.rows[0].text[FLEET_DEVICE], "N1");
		assert_string_equal(f.rows[0].text[FLEET_NAME], "Nave 1, norte");
		assert_string_equal(
		    f.rows[0].text[FLEET_SENSORS], "temperature;humidity");
		assert_string_equal(f.rows[0].text[FLEET_INTERVAL], "60");
		assert_null(f.rows[0].text[FLEET_BROKER]);
		assert_string_equal(f.rows[1].text[FLEET_DEVICE], "N2");
		assert_null(f.rows[1].text[FLEET_SENSORS]);
		fleet_file_release(&f);
	}
	free(path);
}

/* What spreadsheets write for lines and columns that look empty. */
static void
what_is_blank_in_a_fleet_is_left_out(void **state)
{
	static const char text[] = "identificador_unico,nombre,,tipo,\n"
				   ",,,,\n"
				   "N1,x,,esp32,\n"
				   "   \n"
				   " , ,,,\n"
				   "N2,y,,,\n"
				   ",,,,\n";
	char *path = in_dir("blank");
	struct fleet_file f;
	struct err err = {0};

	(void)state;
	put_file(path, text, 0644);
	assert_int_equal(fleet_file_read(&f, path, NULL, &err), 0);
	assert_int_equal(f.n, 2);
	assert_int_equal(f.rows[0].line, 3);
	assert_string_equal(f.rows[0].text[FLEET_TYPE], "esp32");
	assert_int_equal(f.rows[1].line, 6);
	assert_string_equal(f.rows[1].text[FLEET_NAME], "y");
	fleet_file_release(&f);
	free(path);
}

static void
a_fleet_may_have_english_names(void **state)
{
	static const char *const texts[] = {
	    "device,name,type,location,sensors,interval\nN1,x,esp32,P,t;h,5\n",
	    "DEVICE_ID, Nombre ,Tipo, Location\t,SENSORES,interval\n"
	    " N1 , x\t,esp32, P ,t;h,5\n",
	    "Identifier;NAME;tipo;Ubicacion;sensors;Interval\nN1;x;esp32;P;\"t;h\";5\n",
	    "{\"Device\":\"N1\",\"name\":\"x\",\"TIPO\":\"esp32\",\"location\":\"P\","
	    "\"sensors\":[\"t\",\"h\"],\"interval\":5,\"nombre\":null}\n",
	};
	static const char *const wanted[FLEET_COLUMNS] = {
	    "N1", "x", "esp32", "P", [FLEET_SENSORS] = "t;h", [FLEET_INTERVAL] = "5"};
	char *path = in_dir("english");
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct fleet_file f;
		struct err err = {0};

		put_file(path, texts[i], 0644);
		if (fleet_file_read(&f, path, NULL, &err) != 0)
			fail_msg("%s", err.text);
		assert_int_equal(f.n, 1);
		for (k = 0; k < FLEET_COLUMNS; k++) {
			if (wanted[k] == NULL)
				assert_null(f.rows[0].text[k]);
			else
				assert_string_equal(f.rows[0].text[k], wanted[k]);
		}
		fleet_file_release(&f);
	}
	free(path);
}

static void
columns_of_a_fleet_are_ignored_by_name(void **state)
{
	static const char *const texts[] = {
	    "id,device,Estado ,nombre\n7,N1,activo,x\n",
	    "{\"id\":7,\"device\":\"N1\",\"estado\":{\"a\":[]},\"nombre\":\"x\"}\n",
	};
	struct strv ignored = {0};
	char *path = in_dir("ignored");
	struct fleet_file f;
	struct err err = {0};
	size_t i;

	(void)state;
	strv_split(&ignored, "ID, estado,absent", ',');
	for (i = 0; i < 2; i++) {
		put_file(path, texts[i], 0644);
		if (fleet_file_read(&f, path, &ignored, &err) != 0)
			fail_msg("%s", err.text);
		assert_int_equal(f.n, 1);
		assert_string_equal(f.rows[0].text[FLEET_DEVICE], "N1");
		assert_string_equal(f.rows[0].text[FLEET_NAME], "x");
		fleet_file_release(&f);
	}
	put_file(path, "id,device,color\n7,N1,x\n", 0644);
	assert_int_equal(fleet_file_read(&f, path, &ignored, &err), -1);
	assert_non_null(strstr(err.text, "unknown column 'color'"));
	assert_non_null(strstr(err.text, "(--ignore-columns leaves others out)"));
	fleet_file_release(&f);
	strv_release(&ignored);
	free(path);
}

static void
a_bad_fleet_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
	    {"identificador_unico,sensorez\n",
		":1: unknown column 'sensorez'; did you "
		"mean 'sensores'?"},
	    {"identificador_unico,color\n",
		":1: unknown column 'color'; a fleet file has"},
	    {"identificador_unico,\nA,\nB,x\n", ":3: 'x' is in a column without a name"},
	    {"device,nombre,Name\n", ":1: column 'nombre' is there twice"},
	    {"{\"device\":\"A\",\"nombre\":\"x\",\"name\":\"y\"}",
		":1: 'nombre' is there twice"},
	    {"{\"identificador_unico\":\"A\"}\n{\"identificador_unico\":\"B\"\n",
		":2: not a JSON object"},
	    {"{\n \"identificador_unico\":\"A\"\n}\n",
		":1: not a JSON object on one line (jq -c . writes them so)"},
	    {"{\"device\":\"A\"}\n{\"device\":\"Almac\xE9n\"}\n",
		":2: bytes that are no UTF-8; if it is Windows-1252"},
	    {"[{\"device\":\"A\"},\n\n7]", ":3: not a JSON object"},
	    {"[{\"device\":\"A\"},\n {\"device\":\"B\"]", ":2: not a JSON array"},
	    {"{\"identificador_unico\":{}}\n", ":1: 'identificador_unico' must be"},
	};
	char *path = in_dir("badfleet");
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fleet_file f;
		struct err err = {0};

		put_file(path, cases[i].text, 0644);
		assert_int_equal(fleet_file_read(&f, path, NULL, &err), -1);
		assert_int_equal(err.code, ERR_USAGE);
		assert_non_null(strstr(err.text, cases[i].wanted));
		fleet_file_release(&f);
	}
	free(path);
}

static void
each_bad_row_says_what_is_wrong(void **state)
{
	static const char text[] = "identificador_unico,publish_interval,nombre\n"
				   "A,60,x\n"
				   ",,x\n"
				   "a/b,0,x\n"
				   "B,0,x\n"
				   "A,,x\n";
	static const char *const wanted[] = {NULL, "no identificador_unico",
	    "identificador_unico 'a/b' may only", "publish_interval",
	    "device 'A' is in line 2 already"};
	char *path = in_dir("badrows");
	struct fleet_file f;
	struct err err = {0};
	size_t i;

	(void)state;
	put_file(path, text, 0644);
	assert_int_equal(fleet_file_read(&f, path, NULL, &err), 0);
	assert_int_equal(f.n, sizeof(wanted) / sizeof(wanted[0]));
	for (i = 0; i < f.n; i++) {
		assert_int_equal(f.rows[i].line, i + 2);
		if (wanted[i] == NULL)
			assert_null(f.rows[i].wrong);
		else
			assert_non_null(strstr(f.rows[i].wrong, wanted[i]));
	}
	assert_non_null(strstr(f.rows[2].wrong, "; publish_interval"));
	fleet_file_release(&f);
	free(path);
}

static int
make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL;
}

static int
remove_dir(void **state)
{
	char *command = xasprintf("rm -rf %s", dir);
	int status = system(command);

	(void)state;
	free(command);
	return status;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cells_come_as_rfc_4180_says),
	    cmocka_unit_test(the_header_tells_the_separator),
	    cmocka_unit_test(bad_tables_are_refused_with_their_line),
	    cmocka_unit_test(a_header_is_bounded),
	    cmocka_unit_test(what_is_written_reads_back),
	    cmocka_unit_test(credentials_are_saved_and_found),
	    cmocka_unit_test(what_could_not_be_read_again_is_not_written),
	    cmocka_unit_test(writers_at_once_lose_no_rows),
	    cmocka_unit_test(bad_credentials_are_refused),
	    cmocka_unit_test(the_default_file_is_the_contexts),
	    cmocka_unit_test(a_fleet_is_csv_or_json),
	    cmocka_unit_test(what_is_blank_in_a_fleet_is_left_out),
	    cmocka_unit_test(a_fleet_may_have_english_names),
	    cmocka_unit_test(columns_of_a_fleet_are_ignored_by_name),
	    cmocka_unit_test(a_bad_fleet_is_refused_with_its_line),
	    cmocka_unit_test(each_bad_row_says_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
