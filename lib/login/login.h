/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Login Phase of one connection, RFC 7143 6.3 and 12: requests come out,
 * responses go in, and at the end there is a result. It does not know of
 * sockets or timers; the connection bounds its time.
 *
 *	login_new()
 *	do {
 *		login_request()		-> send it
 *		... a Login Response comes
 *		r = login_response()
 *	} while (r == LOGIN_MORE);
 *	LOGIN_DONE:     login_result() says what is in force
 *	LOGIN_REDIRECT: login_result() says where to go
 *	negative:       the error says why
 */
#ifndef LOGIN_LOGIN_H
#define LOGIN_LOGIN_H

#include "base/env.h"
#include "login/auth.h"
#include "names/portal.h"
#include "text/params.h"
#include "wire/pdu.h"

struct login;

enum {
	LOGIN_MORE	= 1,
	LOGIN_DONE	= 2,
	LOGIN_REDIRECT	= 3,
};

enum { REDIRECT_PORTALS_MAX = 8 };

struct login_config {		/* borrowed, unchanged while the login lives */
	const char *initiator_name;
	const char *initiator_alias;	/* NULL: none */
	const char *target_name;	/* NULL on a Discovery session */
	bool discovery;
	bool leading;			/* the first connection of its session */
	uint8_t isid[ISID_LEN];
	uint16_t tsih;			/* 0 if leading */
	uint16_t cid;
	uint32_t cmd_sn;
	uint32_t exp_stat_sn;		/* not 0 only when reinstating a CID */
	int32_t expected_tpgt;		/* -1: none */
	const struct offer *offer;
	const struct params *session;	/* in force; used if not leading */
	const struct auth_config *auth;
	uint8_t lists_refused;		/* see login_result: try again with one */
};

/* How the caller may react to a login that failed, from the status table. */
enum login_retry {
	RETRY_NEVER_UNCHANGED,	/* class 2: the same would fail again (11.13.5) */
	RETRY_LATER,		/* class 3, or no answer */
	RETRY_AT_ONCE,		/* with lists_refused raised: a target that does
				   not take a list of CHAP algorithms, or
				   means another one by a number in it */
};

struct login_result {
	/* LOGIN_DONE */
	struct params params;		/* the session's too if leading */
	uint16_t tsih;
	int32_t tpgt;			/* -1: the target gave none */
	char target_alias[256];		/* "" if none; UTF-8, not harmless */
	uint32_t exp_stat_sn;		/* next StatSN to come */
	uint32_t exp_cmd_sn, max_cmd_sn;	/* of the final response */

	/* LOGIN_REDIRECT */
	bool permanent;			/* 0101 is temporary, 0102 permanent */
	int n_portals;
	struct portal portals[REDIRECT_PORTALS_MAX];

	/* failed */
	uint8_t status_class, status_detail;	/* 0/0: not by a status */
	enum login_retry retry;
	uint8_t lists_refused;
};

int login_new(struct login **out, const struct login_config *config,
	      const struct lun_env *env, struct lun_error *err);
struct login *login_free(struct login *l);	/* wipes what is secret */

/*
 * The next request and its data segment (valid until the next call). Legal
 * after login_new() and after each LOGIN_MORE, once.
 */
int login_request(struct login *l, struct pdu *pdu, const uint8_t **data,
		  size_t *len, struct lun_error *err);

/* The outcomes above; after anything but LOGIN_MORE only login_result() and
 * login_free() are legal. Any other PDU than a Login Response is LUN_EPROTO. */
int login_response(struct login *l, const struct pdu *pdu, const uint8_t *data,
		   size_t len, struct lun_error *err);

/* Its AuthMethod may be what is waited for an answer to. */
bool login_is_authenticating(const struct login *l);

const struct login_result *login_result(const struct login *l);

/* "authentication failed (0201)": what a status means, for people. */
const char *login_status_text(uint8_t status_class, uint8_t status_detail);

#endif
