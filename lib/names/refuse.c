/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How this layer says that a text is wrong. */
#include "names/refuse.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/str.h"

enum {
	REASON_MAX	= 300,	/* it may hold one such sentence itself */
	SHOWN_MAX	= 200,
	AROUND		= sizeof("\"...\": "),
};

int
names_refuse(struct lun_error *err, int code, const char *text, size_t len,
	     const char *fmt, ...)
{
	struct str shown = STR_INIT(SHOWN_MAX);
	char reason[REASON_MAX + 1];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);

	size_t space = sizeof(err->text) - AROUND - strlen(reason);

	if (shown.limit > space)
		shown.limit = space;
	str_quote(&shown, text, len);
	code = lun_fail(err, code, "\"%s%s\": %s", str_text(&shown),
			shown.failed ? "..." : "", reason);
	str_deinit(&shown);
	return code;
}
