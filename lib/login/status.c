/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of RFC 7143 11.13.5, what to say and what to do about each row. */
#include "login/status.h"

#define SUCCESS		LOGIN_CLASS_SUCCESS
#define REDIRECTION	LOGIN_CLASS_REDIRECTION
#define INITIATOR	LOGIN_CLASS_INITIATOR
#define TARGET		LOGIN_CLASS_TARGET
#define NEVER		RETRY_NEVER_UNCHANGED
#define LATER		RETRY_LATER

enum { ANY = -1 };

/* The row for ANY detail is the last one of its class. */
static const struct login_status statuses[] = {
	{ SUCCESS, 0x00, LUN_OK, LATER, "success (0000)" },
	{ SUCCESS, ANY, LUN_OK, LATER, "success (00xx)" },

	/* codes of redirections: of one that says no address */
	{ REDIRECTION, 0x01, LUN_EPROTO, NEVER,
	  "target moved temporarily (0101)" },
	{ REDIRECTION, 0x02, LUN_EPROTO, NEVER,
	  "target moved permanently (0102)" },
	{ REDIRECTION, ANY, LUN_EPROTO, NEVER, "target moved (01xx)" },

	{ INITIATOR, 0x00, LUN_EREFUSED, NEVER,
	  "the target blames the initiator and gives no reason (0200)" },
	{ INITIATOR, 0x01, LUN_EAUTH, NEVER, "authentication failed (0201)" },
	{ INITIATOR, 0x02, LUN_EREFUSED, NEVER,
	  "this initiator is not allowed to use the target (0202)" },
	{ INITIATOR, 0x03, LUN_ENOTFOUND, NEVER,
	  "there is no such target at this address (0203)" },
	{ INITIATOR, 0x04, LUN_ENOTFOUND, NEVER,
	  "the target was removed, with no new address (0204)" },
	{ INITIATOR, 0x05, LUN_EREFUSED, NEVER,
	  "the target does not speak our version of iSCSI (0205)" },
	{ INITIATOR, 0x06, LUN_EREFUSED, NEVER,
	  "too many connections in this session (0206)" },
	{ INITIATOR, 0x07, LUN_EREFUSED, NEVER,
	  "the target misses a parameter (0207)" },
	{ INITIATOR, 0x08, LUN_EREFUSED, NEVER,
	  "the session cannot have a connection to this address (0208)" },
	{ INITIATOR, 0x09, LUN_EREFUSED, NEVER,
	  "the target does not support this type of session (0209)" },
	{ INITIATOR, 0x0a, LUN_EREFUSED, NEVER,
	  "the session does not exist at the target (020a)" },
	{ INITIATOR, 0x0b, LUN_EREFUSED, NEVER,
	  "the target saw a request that is invalid during login (020b)" },
	{ INITIATOR, ANY, LUN_EREFUSED, NEVER,
	  "the target blames the initiator, reason unknown (02xx)" },

	{ TARGET, 0x00, LUN_EREFUSED, LATER,
	  "the target has a hardware or software error (0300)" },
	{ TARGET, 0x01, LUN_EREFUSED, LATER,
	  "the target is not in operation (0301)" },
	{ TARGET, 0x02, LUN_EREFUSED, LATER,
	  "the target is out of resources (0302)" },
	{ TARGET, ANY, LUN_EREFUSED, LATER,
	  "the target has an error of its own, reason unknown (03xx)" },
};

static const struct login_status unknown_class = {
	.status_detail = ANY,
	.code = LUN_EREFUSED,
	.retry = RETRY_NEVER_UNCHANGED,
	.text = "the target refused with a status of an unknown class",
};

const struct login_status *
login_status_find(uint8_t status_class, uint8_t status_detail)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
		const struct login_status *s = &statuses[i];

		if (s->status_class == status_class &&
		    (s->status_detail == status_detail ||
		     s->status_detail == ANY))
			return s;
	}
	return &unknown_class;
}

const char *
login_status_text(uint8_t status_class, uint8_t status_detail)
{
	return login_status_find(status_class, status_detail)->text;
}
