/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the TCP connection to the full feature phase: RFC 7143 4.2.4, 6.3. */
#include <string.h>

#include "conn/conn-impl.h"

/* Keys whose values are not for the log. */
static const char *const hidden[] = {
	"CHAP_C=", "CHAP_R=",		/* a secret could be guessed from them */
	"X#NodeArchitecture=",		/* weaknesses, RFC 7143 9.4 */
};

/* The length of the key, if it is one of them; else 0. */
static size_t
hidden_key(const char *pair, size_t len)
{
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		size_t n = strlen(hidden[i]);

		if (len > n && memcmp(pair, hidden[i], n) == 0)
			return n;
	}
	return 0;
}

/*
 * The keys of a PDU, each on a line. What began in the PDU before is not shown:
 * it may be part of a hidden value, as the C bit cuts anywhere (RFC 7143 6.2).
 */
static void
log_keys(struct conn *c, char direction, const uint8_t *data, size_t len,
	 bool *cut)
{
	bool hide = *cut;
	size_t n;

	if (len > 0)
		*cut = data[len - 1] != '\0';
	if (!env_logs(c->cfg.env, LUN_LOG_TRACE))
		return;
	for (size_t at = 0; at < len; at += n + 1) {
		const char *pair = (const char *)data + at;

		n = strnlen(pair, len - at);
		size_t key = hidden_key(pair, n);

		if (hide)
			conn_log(c, LUN_LOG_TRACE, "%c ... (the rest of a key)",
				 direction);
		else if (key > 0)
			conn_log(c, LUN_LOG_TRACE, "%c %.*s...", direction,
				 (int)key, pair);
		else if (n > 0)
			conn_log(c, LUN_LOG_TRACE, "%c %.*s", direction,
				 (int)n, pair);
		hide = false;
	}
}

static int
send_request(struct conn *c)
{
	struct pdu pdu;
	const uint8_t *data;
	size_t len;
	struct lun_error err;
	int r = login_request(c->login, &pdu, &data, &len, &err);

	if (r < 0)
		return conn_fail(c, r, "%s", err.text);
	if (!c->cfg.login->leading)	/* 11.12.8: the one of the session, now */
		pdu.cmd_sn = c->cfg.window->cmd_sn;
	r = conn_send_copy(c, &pdu, data, len);
	log_keys(c, '>', data, len, &c->cut_out);
	return r;
}

int
login_phase_start(struct conn *c)
{
	struct lun_error err;
	int r = login_new(&c->login, c->cfg.login, c->cfg.env, &err);

	if (r < 0)
		return conn_fail(c, r, "%s", err.text);
	return send_request(c);
}

/* What was agreed is in force from the next PDU on, both ways (11.12, 13.1). */
static int
enter_full_feature(struct conn *c)
{
	const struct login_result *l = &c->result;

	c->params = l->params;
	c->exp_stat_sn = l->exp_stat_sn;
	if (c->cfg.login->leading)
		window_start(c->cfg.window, c->cfg.login->cmd_sn,
			     l->exp_cmd_sn, l->max_cmd_sn);
	else
		window_update(c->cfg.window, l->exp_cmd_sn, l->max_cmd_sn);
	if (rx_set_max_data(c->rx, c->params.MaxRecvDataSegmentLength) < 0)
		return conn_fail(c, LUN_ENOMEM, "out of memory");
	rx_set_digests(c->rx, c->params.HeaderDigest, c->params.DataDigest);
	tx_set_digests(c->tx, c->params.HeaderDigest, c->params.DataDigest);
	c->login = login_free(c->login);
	conn_enter(c, EV_LOGGED_IN);
	return 0;
}

/* Ours to say goodbye, without an error: the session goes where it is sent. */
static int
redirected(struct conn *c)
{
	conn_fail(c, LUN_EREFUSED, "the target sent us to another portal");
	c->news = (c->news & ~(unsigned)NEWS_LOGIN_FAILED) | NEWS_REDIRECTED;
	return LUN_EREFUSED;
}

int
login_phase_pdu(struct conn *c, const struct pdu *pdu, const uint8_t *data)
{
	struct lun_error err;

	log_keys(c, '<', data, pdu->data_segment_length, &c->cut_in);
	int r = login_response(c->login, pdu, data, pdu->data_segment_length, &err);

	if (r == LOGIN_MORE)
		return send_request(c);
	c->result = *login_result(c->login);
	if (r == LOGIN_DONE)
		return enter_full_feature(c);
	if (r == LOGIN_REDIRECT)
		return redirected(c);
	return conn_fail(c, r, "%s", err.text);
}
