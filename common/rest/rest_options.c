/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rest/rest_options.h"

#include "base/file.h"
#include "model/timestamp.h"

int
rest_options_resolve(
    struct rest_options *o, const char *context, struct rest_opts *out, struct err *err)
{
	if (o->token == NULL && o->token_file != NULL &&
	    file_read_secret(o->token_file, &o->token, err))
		return -1;
	if (o->tz != NULL && timestamp_check_zone(o->tz, err))
		return err_in(err, "--api-tz");
	*out = (struct rest_opts){
	    .url = o->url != NULL ? o->url : "http://localhost:8000",
	    .token = o->token,
	    .username = o->username,
	    .password_file = o->password_file,
	    .cafile = o->cafile,
	    .auth_path = o->auth_path,
	    .context = context,
	    .timeout = o->timeout,
	};
	return 0;
}
