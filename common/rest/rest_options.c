/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rest/rest_options.h"

#include "base/file.h"
#include "model/timestamp.h"

int
apiopts_resolve(
    struct apiopts *o, const char *context, struct api_opts *out, struct err *err)
{
	if (o->token == NULL && o->token_file != NULL &&
	    file_read_secret(o->token_file, &o->token, err))
		return -1;
	if (o->tz != NULL && time_check_zone(o->tz, err))
		return err_in(err, "--api-tz");
	*out = (struct api_opts){
	    .url = o->url != NULL ? o->url : "http://localhost:8000",
	    .token = o->token,
	    .username = o->username,
	    .password_file = o->password_file,
	    .cafile = o->cafile,
	    .context = context,
	    .timeout = o->timeout,
	};
	return 0;
}
