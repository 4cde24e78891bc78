/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The error record, and the names of the codes. */
#include "base/error.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* A text is one line, whatever the arguments held. */
static void
one_line(char *text)
{
	for (char *c = text; *c; c++)
		if (*c == '\n' || *c == '\r')
			*c = ' ';
}

int
lun_fail(struct lun_error *err, int code, const char *fmt, ...)
{
	assert(code < 0);
	if (!err)
		return code;

	/* The arguments may point into *err: format beside it. */
	char text[sizeof(err->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	one_line(text);
	err->code = code;
	memcpy(err->text, text, sizeof(text));
	return code;
}

int
lun_fail_in(struct lun_error *err, const char *fmt, ...)
{
	char prefix[sizeof(err->text)];
	char text[2 * sizeof(err->text) + 2];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(prefix, sizeof(prefix), fmt, ap);
	va_end(ap);
	snprintf(text, sizeof(text), "%s: %s", prefix, err->text);
	one_line(text);
	text[sizeof(err->text) - 1] = '\0';	/* the end is cut */
	memcpy(err->text, text, sizeof(err->text));
	return err->code;
}

const char *
lun_code_name(int code)
{
	switch ((enum lun_code)code) {
	case LUN_OK:		return "LUN_OK";
	case LUN_ENOMEM:	return "LUN_ENOMEM";
	case LUN_EINVAL:	return "LUN_EINVAL";
	case LUN_ESYS:		return "LUN_ESYS";
	case LUN_ERESOLVE:	return "LUN_ERESOLVE";
	case LUN_ECONNECT:	return "LUN_ECONNECT";
	case LUN_ELOST:		return "LUN_ELOST";
	case LUN_ETIMEDOUT:	return "LUN_ETIMEDOUT";
	case LUN_EPROTO:	return "LUN_EPROTO";
	case LUN_EDIGEST:	return "LUN_EDIGEST";
	case LUN_ENEGOTIATE:	return "LUN_ENEGOTIATE";
	case LUN_EAUTH:		return "LUN_EAUTH";
	case LUN_ENOTFOUND:	return "LUN_ENOTFOUND";
	case LUN_EREFUSED:	return "LUN_EREFUSED";
	case LUN_ECANCELED:	return "LUN_ECANCELED";
	case LUN_EIDENTITY:	return "LUN_EIDENTITY";
	}
	return "unknown error";
}
