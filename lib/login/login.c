/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Login Phase, RFC 7143 6.3. It always begins in the SecurityNegotiation
 * stage, with "AuthMethod=None" where no authentication is wanted: there are
 * targets that insist on that stage, and none that do not know it.
 *
 *	turn		login_request()		login_response()
 *	REQUEST		-> RESPONSE		never
 *	RESPONSE	never			-> REQUEST, or -> OVER
 *	OVER		never			never
 *
 * The text to send stands in `out` and goes in segments; all but the last have
 * C=1, and the target answers each of those with nothing. What comes is joined
 * in `in`, and we answer each part with nothing, until C=0: then, and only
 * then, it is read. T is set in the last segment when the stage is to end.
 */
#include "login/login.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/str.h"
#include "base/hash.h"
#include "login/chap.h"
#include "login/status.h"
#include "text/negotiate.h"
#include "text/value.h"

enum {
	/* RFC 7143 6.2: at least 6; a request and its response make one */
	LOGIN_EXCHANGES_MAX = 128,
	LOGIN_BYTES_MAX = 4 * TEXT_LIMIT_LOGIN,		/* that come, in all */
};

/* One for all requests of a login (6.3), and no tag that a task may have. */
#define LOGIN_TASK_TAG 0xfffffffeu

enum turn { TURN_REQUEST, TURN_RESPONSE, TURN_OVER };

struct login {
	const struct login_config *config;
	const struct lun_env *env;
	struct login_result result;

	enum turn turn;
	enum stage stage;
	unsigned int exchanges;
	size_t bytes;
	uint32_t exp_stat_sn;
	bool versions_agreed;

	struct text out, in;
	bool ready;		/* for the next stage, once `out` is sent */
	bool cutting;		/* our last request had C=1 */
	bool joining;		/* the last response had C=1 */
	bool transit;		/* our last request had T=1 */

	struct negotiation keys;
	bool method_agreed;	/* AuthMethod */
	struct chap chap;
};

static enum stage
next_stage(const struct login *l)
{
	return l->stage == STAGE_SECURITY ? STAGE_OPERATIONAL
					  : STAGE_FULL_FEATURE;
}

/* ----------------------------------------------------------- requests -- */

/* The keys of the first request: RFC 7143 6.3.1, 12. */
static int
say_who(struct login *l, struct lun_error *err)
{
	const struct login_config *c = l->config;
	const struct {
		const char *key, *value;
	} pairs[] = {
		{ "InitiatorName", c->initiator_name },
		/* of the session; some do not take it again (Linux) */
		{ "InitiatorAlias", c->leading ? c->initiator_alias : NULL },
		{ "TargetName", c->target_name },
		{ "SessionType", !c->leading ? NULL	/* "LO": 13.21 */
				: c->discovery ? "Discovery" : "Normal" },
		/* all that we want is all that we offer: 6.3.2 */
		{ "AuthMethod", c->auth->method == AUTH_CHAP ? "CHAP" : "None" },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		if (!pairs[i].value)
			continue;
		int r = negotiate_declare(&l->keys, pairs[i].key,
					  pairs[i].value, &l->out, err);

		if (r < 0)
			return r;
	}
	l->ready = c->auth->method == AUTH_NONE;
	return 0;
}

static int
check_config(const struct login_config *c, struct lun_error *err)
{
	const char *warning;

	assert(c->initiator_name);
	assert(c->discovery || c->target_name);		/* RFC 7143 6.3 */
	assert(c->leading == (c->tsih == 0));		/* RFC 7143 11.12.6 */
	assert(c->leading || (c->session && !c->discovery));
	if (c->initiator_alias && strlen(c->initiator_alias) > VALUE_LEN_MAX)
		return lun_fail(err, LUN_EINVAL, "InitiatorAlias is longer "
				"than %d bytes", VALUE_LEN_MAX);
	return auth_check(c->auth, &warning, err);
}

static void
login_freep(struct login **l)
{
	login_free(*l);
}

int
login_new(struct login **out, const struct login_config *config,
	  const struct lun_env *env, struct lun_error *err)
{
	int r = check_config(config, err);

	if (r < 0)
		return r;
	_cleanup_(login_freep) struct login *l = calloc(1, sizeof(*l));

	if (!l)
		return lun_fail(err, LUN_ENOMEM, "login: out of memory");
	l->config = config;
	l->env = env;
	l->stage = STAGE_SECURITY;
	l->exp_stat_sn = config->exp_stat_sn;
	l->result.tpgt = -1;
	l->result.retry = RETRY_LATER;
	l->result.lists_refused = config->lists_refused;
	text_init(&l->out, TEXT_LIMIT_ANSWER);
	text_init(&l->in, TEXT_LIMIT_LOGIN);

	struct params in_force;

	if (config->leading)
		params_default(&in_force);
	else
		in_force = *config->session;
	params_new_connection(&in_force);
	negotiate_init(&l->keys, config->offer, &in_force, IN_SECURITY,
		       config->leading, config->discovery);
	chap_init(&l->chap, config->auth,
		  *config->auth->username ? config->auth->username
					  : config->initiator_name,
		  config->lists_refused > 0);
	if ((r = say_who(l, err)) < 0)
		return r;
	*out = take(l);
	return 0;
}

struct login *
login_free(struct login *l)
{
	if (!l)
		return NULL;
	text_deinit(&l->out);
	text_deinit(&l->in);
	chap_wipe(&l->chap);
	free(l);
	return NULL;
}

int
login_request(struct login *l, struct pdu *pdu, const uint8_t **data,
	      size_t *len, struct lun_error *err)
{
	const struct login_config *c = l->config;
	const uint8_t *segment = NULL;
	size_t segment_len = 0;

	assert(l->turn == TURN_REQUEST);
	if (l->exchanges++ == LOGIN_EXCHANGES_MAX) {
		l->turn = TURN_OVER;
		return lun_fail(err, LUN_EPROTO, "login: no end after %d "
				"exchanges", LOGIN_EXCHANGES_MAX);
	}
	l->cutting = false;
	if (!l->joining)		/* else an empty one: RFC 7143 6.2 */
		segment_len = text_cut(&l->out, LOGIN_DATA_SEGMENT_MAX,
				       &segment, &l->cutting);
	l->transit = l->ready && !l->joining && !l->cutting;
	*pdu = (struct pdu){
		.opcode = OP_LOGIN_REQUEST,
		.immediate = true,			/* RFC 7143 11.12 */
		.final = l->transit,
		.continued = l->cutting,
		.csg = (uint8_t)l->stage,
		.nsg = (uint8_t)(l->transit ? next_stage(l) : 0),
		.tsih = c->tsih,
		.initiator_task_tag = LOGIN_TASK_TAG,
		.cid = c->cid,
		.cmd_sn = c->cmd_sn,
		.exp_stat_sn = l->exp_stat_sn,
		.data_segment_length = (uint32_t)segment_len,
	};
	memcpy(pdu->isid, c->isid, ISID_LEN);
	*data = segment;
	*len = segment_len;
	l->turn = TURN_RESPONSE;
	return 0;
}

/* ---------------------------------------------------- keys that came -- */

static int
take_auth_method(struct login *l, const struct pair *pair,
		 struct lun_error *err)
{
	bool want = l->config->auth->method == AUTH_CHAP;

	if (value_constant(pair->value) == VALUE_REJECT)
		return lun_fail(err, LUN_EAUTH, want
		    ? "the target does not take CHAP (AuthMethod=Reject)"
		    : "the target demands authentication (AuthMethod=Reject)");
	if (strcmp(pair->value, want ? "CHAP" : "None") != 0)	/* 6.2.1 */
		return lun_fail(err, LUN_EAUTH,
				"the target chose an AuthMethod other than %s, "
				"which was the offer", want ? "CHAP" : "None");
	l->method_agreed = true;
	return 0;
}

static int
take_chap(struct login *l, const struct pair *pair, struct lun_error *err)
{
	return chap_take(&l->chap, pair, err);
}

/* RFC 7143 13.9, 6.3.1 */
static int
take_tag(struct login *l, const struct pair *pair, struct lun_error *err)
{
	uint64_t tag;

	if (!value_number(pair->value, &tag) || tag > UINT16_MAX)
		return lun_fail(err, LUN_ENEGOTIATE,
				"TargetPortalGroupTag: not in 0..65535");
	if (l->config->expected_tpgt >= 0 &&
	    (int32_t)tag != l->config->expected_tpgt)
		return lun_fail(err, LUN_ENOTFOUND,
				"this portal belongs to portal group %d, it was "
				"expected in %d", (int)tag,
				l->config->expected_tpgt);
	l->result.tpgt = (int32_t)tag;
	return 0;
}

/* RFC 3721 2: nothing depends on it, so one that is no such text is none. */
static int
take_alias(struct login *l, const struct pair *pair, struct lun_error *err)
{
	if (pair->value_len < sizeof(l->result.target_alias) &&
	    str_is_utf8(pair->value, pair->value_len))
		strcpy(l->result.target_alias, pair->value);
	return 0;
}

/* The keys that negotiation leaves to us; of others nothing follows. */
static int
take_ours(struct login *l, const struct pair *pair, struct lun_error *err)
{
	static const struct {
		const char *key;
		int (*handle)(struct login *l, const struct pair *pair,
			      struct lun_error *err);
	} handlers[] = {
		{ "AuthMethod", take_auth_method },
		{ "CHAP_A", take_chap }, { "CHAP_I", take_chap },
		{ "CHAP_C", take_chap }, { "CHAP_N", take_chap },
		{ "CHAP_R", take_chap }, { "TargetAlias", take_alias },
		{ "TargetPortalGroupTag", take_tag },
	};

	for (size_t i = 0; i < sizeof(handlers) / sizeof(*handlers); i++)
		if (strcmp(handlers[i].key, pair->key) == 0)
			return handlers[i].handle(l, pair, err);
	return 0;
}

static int
take_text(struct login *l, struct lun_error *err)
{
	struct pair pair;
	size_t pos = 0;
	int r;

	while ((r = text_next(&l->in, &pos, &pair, err)) == TEXT_PAIR) {
		r = negotiate_take(&l->keys, &pair, &l->out, err);
		if (r == NEGOTIATE_YOURS)
			r = take_ours(l, &pair, err);
		if (r < 0)
			return r;
	}
	return r;
}

/* ------------------------------------------------------------- stages -- */

/*
 * A whole text came in the SecurityNegotiation stage: the next step of the
 * method. Without the target's consent to a wanted one there is no next step.
 */
static int
step_security(struct login *l, struct lun_error *err)
{
	int r;

	if (l->config->auth->method == AUTH_NONE)
		return 0;
	if (!l->method_agreed)
		return lun_fail(err, LUN_EAUTH,
				"the target did not agree to AuthMethod=CHAP");
	if (l->chap.step == CHAP_START)
		r = chap_begin(&l->chap, &l->keys, &l->out, err);
	else
		r = chap_step(&l->chap, l->env, &l->keys, &l->out, err);
	/* with our response the stage may end: RFC 7143 appendix B */
	l->ready = l->chap.step == CHAP_RESULT || l->chap.step == CHAP_DONE;
	return r;
}

static int
enter_operational(struct login *l, struct lun_error *err)
{
	if (l->config->auth->method == AUTH_CHAP && l->chap.step != CHAP_DONE)
		return lun_fail(err, LUN_EAUTH,
				"the target ends the stage before CHAP is done");
	l->stage = STAGE_OPERATIONAL;
	l->keys.phase = IN_OPERATIONAL;
	text_clear(&l->out);
	l->ready = true;	/* all that we have to say is said at once */
	int r = negotiate_offer(&l->keys, &l->out, err);

	return r < 0 ? r : LOGIN_MORE;
}

/* The Login Final-Response: RFC 7143 6.3, 11.13.3. */
static int
finish(struct login *l, const struct pdu *pdu, struct lun_error *err)
{
	struct login_result *result = &l->result;

	if (pdu->tsih == 0)
		return lun_fail(err, LUN_EPROTO,
				"Login Response: the final one has TSIH 0");
	if (!l->config->leading && pdu->tsih != l->config->tsih)
		return lun_fail(err, LUN_EPROTO,
				"Login Response: TSIH %u, the session's is %u",
				pdu->tsih, l->config->tsih);
	int r = negotiate_conclude(&l->keys, &result->params, err);

	if (r < 0)
		return r;
	result->tsih = pdu->tsih;
	result->exp_stat_sn = l->exp_stat_sn;
	result->exp_cmd_sn = pdu->exp_cmd_sn;
	result->max_cmd_sn = pdu->max_cmd_sn;
	return LOGIN_DONE;
}

/* ---------------------------------------------------------- responses -- */

/* RFC 7143 11.13.5: the addresses, and the way there. */
static int
redirect(struct login *l, const struct pdu *pdu, const uint8_t *data,
	 size_t len, struct lun_error *err)
{
	const char *why = login_status_text(pdu->status_class,
					    pdu->status_detail);
	struct login_result *result = &l->result;
	struct pair pair;
	size_t pos = 0;
	int r;

	text_clear(&l->in);
	if ((r = text_join(&l->in, data, len, err)) < 0)
		return r;
	while ((r = text_next(&l->in, &pos, &pair, err)) == TEXT_PAIR) {
		struct portal portal;

		/* an address with a tag is none that a redirection may have */
		if (strcmp(pair.key, "TargetAddress") == 0 &&
		    result->n_portals < REDIRECT_PORTALS_MAX &&
		    portal_parse_address(&portal, pair.value, pair.value_len,
					 NULL) == 0 &&
		    portal.tpgt < 0)
			result->portals[result->n_portals++] = portal;
	}
	if (r < 0)
		return err ? lun_fail_in(err, "%s", why) : r;
	if (result->n_portals == 0)
		return lun_fail(err, LUN_EPROTO,
				"%s, but it gives no usable TargetAddress", why);
	result->permanent = pdu->status_detail == REDIRECT_PERMANENT;
	return LOGIN_REDIRECT;
}

/* Does it fail for what stands in our list of CHAP algorithms? */
static bool
refuses_list(const struct login *l)
{
	const struct login_result *result = &l->result;

	if (!chap_try_one(&l->chap))
		return false;
	return l->chap.list_refused ||
	       (result->status_class == LOGIN_CLASS_INITIATOR &&
		(result->status_detail == INITIATOR_ERROR ||
		 result->status_detail == AUTHENTICATION_FAILURE));
}

/* A Status-Class other than 0; T, CSG and NSG mean nothing then: 6.3.1. */
static int
take_status(struct login *l, const struct pdu *pdu, const uint8_t *data,
	    size_t len, struct lun_error *err)
{
	const struct login_status *s =
	    login_status_find(pdu->status_class, pdu->status_detail);

	l->result.status_class = pdu->status_class;
	l->result.status_detail = pdu->status_detail;
	if (pdu->status_class == LOGIN_CLASS_REDIRECTION)
		return redirect(l, pdu, data, len, err);
	if (s->status_detail < 0)
		return lun_fail(err, s->code, "login: %s, status %02x%02x",
				s->text, pdu->status_class, pdu->status_detail);
	if (s->code != LUN_EAUTH)
		return lun_fail(err, s->code, "login: %s", s->text);
	if (l->config->auth->method == AUTH_NONE)
		return lun_fail(err, s->code, "login: %s: no credentials were "
				"offered", s->text);
	return lun_fail(err, s->code, "login: %s: by CHAP as user \"%s\"",
			s->text, l->config->auth->username);
}

/* The fields that say whether it is an answer to our request. */
static int
check_addressed(const struct login *l, const struct pdu *pdu,
		struct lun_error *err)
{
	if (pdu->opcode != OP_LOGIN_RESPONSE) {		/* RFC 7143 4.2.4 */
		const char *name = pdu_name(pdu->opcode);

		return lun_fail(err, LUN_EPROTO,
				"%s (opcode 0x%02x) during login",
				name ? name : "PDU", pdu->opcode);
	}
	if (pdu->initiator_task_tag != LOGIN_TASK_TAG)	/* RFC 7143 6.3 */
		return lun_fail(err, LUN_EPROTO,
				"Login Response: Initiator Task Tag 0x%x, "
				"expected 0x%x", pdu->initiator_task_tag,
				LOGIN_TASK_TAG);
	return 0;
}

/* RFC 7143 11.13, for Status-Class 0. */
static int
check_fields(struct login *l, const struct pdu *pdu, struct lun_error *err)
{
	/* the first response decides: 11.13.2 */
	if (!l->versions_agreed && pdu->version_min != 0)
		return lun_fail(err, LUN_EPROTO,
				"Login Response: Version-active %u, we speak 0",
				pdu->version_min);
	l->versions_agreed = true;
	if (memcmp(pdu->isid, l->config->isid, ISID_LEN) != 0)
		return lun_fail(err, LUN_EPROTO,
				"Login Response: not with our ISID");
	if (pdu->csg != l->stage)
		return lun_fail(err, LUN_EPROTO,
				"Login Response: CSG %u, the stage is %d",
				pdu->csg, l->stage);
	if (pdu->final && pdu->continued)		/* 11.13.7 */
		return lun_fail(err, LUN_EPROTO,
				"Login Response: both T and C are set");
	if (pdu->final && !l->transit)			/* 11.13.6 */
		return lun_fail(err, LUN_EPROTO,
				"Login Response: T is set, the request's was not");
	if (pdu->final && pdu->nsg != next_stage(l))	/* 6.3 */
		return lun_fail(err, LUN_EPROTO,
				"Login Response: NSG %u after CSG %u, NSG %d "
				"was asked for", pdu->nsg, pdu->csg,
				next_stage(l));
	return 0;
}

static int
check_length(struct login *l, const struct pdu *pdu, size_t len,
	     struct lun_error *err)
{
	if (len > LOGIN_DATA_SEGMENT_MAX)		/* 6.3 */
		return lun_fail(err, LUN_EPROTO,
				"Login Response: %zu bytes, more than %d", len,
				LOGIN_DATA_SEGMENT_MAX);
	if (l->cutting && (len || pdu->continued))	/* 6.2 */
		return lun_fail(err, LUN_EPROTO,
				"Login Response: data, when our text is not "
				"complete");
	l->bytes += len;
	if (l->bytes > LOGIN_BYTES_MAX)
		return lun_fail(err, LUN_EPROTO,
				"login: no end after %zu bytes", l->bytes);
	return 0;
}

/* A whole text came, and T with it or not. */
static int
advance(struct login *l, const struct pdu *pdu, struct lun_error *err)
{
	int r;

	negotiate_answered(&l->keys);	/* the last request had all of it */
	text_clear(&l->out);
	r = take_text(l, err);
	text_clear(&l->in);
	if (r == 0 && l->stage == STAGE_SECURITY)
		r = step_security(l, err);
	if (r < 0)
		return r;
	if (!pdu->final)
		return LOGIN_MORE;
	if ((r = negotiate_end_stage(&l->keys, err)) < 0)
		return r;
	return l->stage == STAGE_SECURITY ? enter_operational(l, err)
					  : finish(l, pdu, err);
}

static int
take_response(struct login *l, const struct pdu *pdu, const uint8_t *data,
	      size_t len, struct lun_error *err)
{
	int r;

	if ((r = check_addressed(l, pdu, err)) < 0)
		return r;
	if (pdu->status_class != LOGIN_CLASS_SUCCESS)
		return take_status(l, pdu, data, len, err);
	if ((r = check_fields(l, pdu, err)) < 0 ||
	    (r = check_length(l, pdu, len, err)) < 0)
		return r;
	l->exp_stat_sn = pdu->stat_sn + 1;		/* 11.12.9 */
	if (l->cutting)
		return LOGIN_MORE;
	if ((r = text_join(&l->in, data, len, err)) < 0)
		return r;
	l->joining = pdu->continued;
	return l->joining ? LOGIN_MORE : advance(l, pdu, err);
}

int
login_response(struct login *l, const struct pdu *pdu, const uint8_t *data,
	       size_t len, struct lun_error *err)
{
	assert(l->turn == TURN_RESPONSE);
	int r = take_response(l, pdu, data, len, err);

	l->turn = r == LOGIN_MORE ? TURN_REQUEST : TURN_OVER;
	if (r >= 0)
		return r;
	if (refuses_list(l)) {
		l->result.retry = RETRY_AT_ONCE;
		l->result.lists_refused++;
	} else if (l->result.status_class != LOGIN_CLASS_SUCCESS) {
		l->result.retry = login_status_find(l->result.status_class,
		    l->result.status_detail)->retry;
	} else if (r != LUN_ENOMEM) {
		l->result.retry = RETRY_NEVER_UNCHANGED;
	}
	return r;
}

bool
login_is_authenticating(const struct login *l)
{
	return l->stage == STAGE_SECURITY && l->turn == TURN_RESPONSE;
}

const struct login_result *
login_result(const struct login *l)
{
	return &l->result;
}
