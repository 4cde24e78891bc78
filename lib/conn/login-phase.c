/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the TCP connection to the full feature phase: RFC 7143 4.2.4, 6.3. */
#include "conn/conn-impl.h"

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
	return conn_send_copy(c, &pdu, data, len);
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
