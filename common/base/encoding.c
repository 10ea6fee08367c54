/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/encoding.h"

#include <stdbool.h>

#include "base/text.h"
#include "base/utf8.h"

static const struct format {
	struct span magic;
	const char *what;
} formats[] = {
    {SPAN("\xFF\xFE"), N_("UTF-16, not UTF-8: convert it with iconv -f UTF-16 -t UTF-8")},
    {SPAN("\xFE\xFF"), N_("UTF-16, not UTF-8: convert it with iconv -f UTF-16 -t UTF-8")},
    {SPAN("PK\x03\x04"),
	N_("a ZIP archive, such as a spreadsheet (xlsx, ods): save it as CSV in UTF-8")},
    {SPAN("\x1F\x8B"), N_("compressed: gzip -dc shows its text")},
};

struct span
encoding_skip_mark(struct span text)
{
	const struct span mark = SPAN("\xEF\xBB\xBF");

	if (text.n >= mark.n && memcmp(text.p, mark.p, mark.n) == 0)
		return (struct span){text.p + mark.n, text.n - mark.n};
	return text;
}

/* UTF-16 without a mark: two characters of ASCII. */
static const char *
unmarked_utf16(struct span s)
{
	if (s.n < 4 || (s.p[0] == '\0') == (s.p[1] == '\0') ||
	    (s.p[0] == '\0') != (s.p[2] == '\0') || (s.p[1] == '\0') != (s.p[3] == '\0'))
		return NULL;
	return s.p[1] == '\0'
	    ? N_("UTF-16, not UTF-8: convert it with iconv -f UTF-16LE -t UTF-8")
	    : N_("UTF-16, not UTF-8: convert it with iconv -f UTF-16BE -t UTF-8");
}

const char *
encoding_other(struct span text)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(formats); i++) {
		const struct format *f = &formats[i];

		if (text.n >= f->magic.n && memcmp(text.p, f->magic.p, f->magic.n) == 0)
			return f->what;
	}
	return unmarked_utf16(text);
}

/* Letters with accents are C0 to FF in Windows-1252, and mostly 80 to A5 in the code page 850 of DOS, which
 * spreadsheets write as "CSV (MS-DOS)". With a whole UTF-8 character among them it is a mixture, which no
 * conversion mends. */
static const char *
guess_code_page(struct span text)
{
	size_t i, good, windows = 0, dos = 0;
	uint32_t cp;

	for (i = 0; i < text.n; i += good != 0 ? good : 1) {
		unsigned char c = (unsigned char)text.p[i];

		good = utf8_read((const unsigned char *)text.p + i, text.n - i, &cp);
		if (good > 1)
			return N_("bytes that are no UTF-8, among others that are");
		windows += good == 0 && c >= 0xC0;
		dos += good == 0 && c <= 0xA5;
	}
	return dos > windows ? N_("bytes that are no UTF-8; if it is code page 850: "
				  "iconv -f CP850 -t UTF-8")
			     : N_("bytes that are no UTF-8; if it is Windows-1252: iconv "
				  "-f WINDOWS-1252 -t "
				  "UTF-8");
}

/* Other formats have bytes that are none of text, but what begins like them may be text. */
static int
refuse(struct span text, const char *what, size_t *line, struct err *err)
{
	const char *other = encoding_other(text);

	if (other != NULL)
		*line = 1;
	return err_set(err, ERR_USAGE, "%s", _(other != NULL ? other : what));
}

int
encoding_check(struct span text, size_t *line, struct err *err)
{
	size_t i, good;
	uint32_t cp;

	*line = 1;
	for (i = 0; i < text.n; i += good) {
		good = utf8_read((const unsigned char *)text.p + i, text.n - i, &cp);
		if (good == 0)
			return refuse(text, guess_code_page(text), line, err);
		if (cp == 0)
			return refuse(text, N_("a NUL byte"), line, err);
		*line += cp == '\n';
	}
	return 0;
}
