/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotstatus/options.h"

#include "base/text.h"

enum source
options_source(const struct options *a)
{
	return (enum source)(a->source + SOURCE_API);
}

enum source
options_verify(const struct options *a)
{
	return a->verify == 0 ? SOURCE_NONE : (enum source)(a->verify + SOURCE_API);
}

bool
options_want(const struct options *a, enum source source)
{
	return options_source(a) == source || options_verify(a) == source;
}

int
options_check(const struct options *a, struct err *err)
{
	const struct {
		bool wrong;
		const char *why;
	} rules[] = {
	    {a->verify != 0 && options_source(a) != SOURCE_API,
		N_("--verify holds a broker against the API: leave out --source")},
	    {a->by != BY_NOTHING && options_source(a) != SOURCE_API,
		N_("--by groups by the API's fields: leave out --source, perhaps with "
		   "--verify")},
	    {a->list == 1 + PRESENCE_STALE && a->max_age == 0,
		N_("--list stale needs --max-age: how old is too old?")},
	    {a->format == FORMAT_TSV && a->list == 0, N_("--format tsv is for --list")},
	    {a->list != 0 && (a->format == FORMAT_PROMETHEUS || a->by != BY_NOTHING),
		N_("--list prints devices: no --format prometheus, no --by")},
	    {options_want(a, SOURCE_EMQX) && a->emqx_key_file == NULL,
		N_("EMQX's API wants a key: --emqx-key-file, a file with KEY:SECRET, "
		   "mode "
		   "0600")},
	    {a->wait != 0 && a->wait >= a->api.timeout,
		N_("--wait must be over before --timeout is: allow more with -t")},
	    {a->watch && (a->list != 0 || a->state != NULL || a->write != NULL),
		N_("--watch goes on: no --list, --state or --write")},
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(rules); i++) {
		if (rules[i].wrong)
			return err_set(err, ERR_USAGE, "%s", _(rules[i].why));
	}
	return 0;
}
