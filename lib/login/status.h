/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Status-Class and Status-Detail of Login Responses, RFC 7143 11.13.5. */
#ifndef LOGIN_STATUS_H
#define LOGIN_STATUS_H

#include "login/login.h"

enum login_class {
	LOGIN_CLASS_SUCCESS	= 0,
	LOGIN_CLASS_REDIRECTION	= 1,
	LOGIN_CLASS_INITIATOR	= 2,
	LOGIN_CLASS_TARGET	= 3,
};

enum {					/* details that we look at */
	REDIRECT_PERMANENT	= 0x02,
	INITIATOR_ERROR		= 0x00,
	AUTHENTICATION_FAILURE	= 0x01,
	TOO_MANY_CONNECTIONS	= 0x06,
	NO_SUCH_SESSION		= 0x0a,
};

struct login_status {
	uint8_t status_class;
	int status_detail;		/* -1: all others of the class */
	int code;			/* enum lun_code */
	enum login_retry retry;
	const char *text;		/* for people, with the number */
};

/* Never NULL: an unknown detail is handled as its class (11.13.5), an unknown
 * class as a failure for good. */
const struct login_status *login_status_find(uint8_t status_class,
					     uint8_t status_detail);

#endif
