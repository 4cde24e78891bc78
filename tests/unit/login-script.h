/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A scripted target for the tests of the login: rows of what is expected of
 * the initiator and what it is answered. A PDU is written as
 *
 *	"T01 Key=value;Key=value;"	T=1, CSG 0, NSG 1
 *	"-1 ..."			T=0, CSG 1 (NSG is 0 then)
 *	"C0 ..."			C=1, T=0
 *
 * with semicolons for the nulls. What each request must have whatever the row
 * says (RFC 7143 11.12) is checked for all of them.
 */
#ifndef LOGIN_SCRIPT_H
#define LOGIN_SCRIPT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "login/login.h"
#include "text/text.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

#define WHO	"InitiatorName=iqn.2001-04.com.example:me;"
#define DISK	"TargetName=iqn.2001-04.com.example:disk;"
#define NORMAL	"SessionType=Normal;"
#define FIRST	WHO DISK NORMAL "AuthMethod=None;"
#define DIGESTS	"HeaderDigest=None,CRC32C;DataDigest=None,CRC32C;"
#define OFFERS                                                                \
	DIGESTS "MaxRecvDataSegmentLength=1048576;MaxConnections=1;"          \
	"InitialR2T=No;ImmediateData=Yes;MaxBurstLength=16776192;"            \
	"FirstBurstLength=262144;DefaultTime2Wait=0;DefaultTime2Retain=20;"   \
	"MaxOutstandingR2T=16;DataPDUInOrder=Yes;DataSequenceInOrder=Yes;"    \
	"ErrorRecoveryLevel=0;TaskReporting=FastAbort,ResponseFence,RFC3720;" \
	"iSCSIProtocolLevel=1;"

/* What target and initiator say in CHAP; the response was computed elsewhere. */
#define CHAP_FIRST	"-0 " WHO DISK NORMAL "AuthMethod=CHAP;"
#define CHALLENGE	"CHAP_I=7;CHAP_C=0x0102030405060708090a0b0c0d0e0f10;"
#define MD5_RESPONSE	"CHAP_R=0x4af9c731c5a9ff5fb0b716fc6c93886e;"

enum { SCRIPT_TSIH = 0x8001, SCRIPT_STAT_SN = 1000 };

struct step {
	const char *request;		/* NULL: any */
	const char *response;		/* NULL: the script ends here */
	/* where the response is not as it should be, or not usual */
	uint16_t status;
	uint8_t version_active, version_max;
	int tsih;			/* 0: right; -1: 0; else this */
	bool wrong_tag, wrong_isid;
	uint8_t opcode;			/* 0: a Login Response */
	uint32_t skip_stat_sn;
};

/* The script's own state, for looking at afterwards. */
struct script {
	struct login_config config;
	struct offer offer;
	struct params session;
	struct auth_config auth;
	struct lun_error err;
	struct login *login;
	unsigned int requests;
	char last_request[70000];
	uint32_t stat_sn;
};

static struct script script;

static void
script_random(void *user, void *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = (uint8_t)(0xa0 + i);
}

static const struct lun_env script_env = { .random = script_random };

static int
script_setup(void **state)
{
	memset(&script, 0, sizeof(script));
	offer_default(&script.offer);
	params_default(&script.session);
	script.config = (struct login_config){
		.initiator_name = "iqn.2001-04.com.example:me",
		.target_name = "iqn.2001-04.com.example:disk",
		.leading = true,
		.isid = { 0x80, 1, 2, 3, 4, 5 },
		.cid = 7,
		.cmd_sn = 123,
		.expected_tpgt = -1,
		.offer = &script.offer,
		.session = &script.session,
		.auth = &script.auth,
	};
	return 0;
}

static int
script_teardown(void **state)
{
	script.login = login_free(script.login);
	return 0;
}

static void
want_chap(bool mutual)
{
	script.auth.method = AUTH_CHAP;
	strcpy(script.auth.username, "alice");
	memcpy(script.auth.password, "a secret of 16 b", 16);
	script.auth.password_len = 16;
	memcpy(script.auth.password_in, "the target's own", 16);
	script.auth.password_in_len = 16;
	script.auth.mutual = mutual;
}

static void
script_start(void)
{
	script.login = login_free(script.login);
	script.requests = 0;
	script.stat_sn = SCRIPT_STAT_SN;
	script.err = (struct lun_error){ 0 };
	assert_int_equal(login_new(&script.login, &script.config, &script_env,
				   &script.err), 0);
}

/* Takes a request, checks what all requests have, and writes it down. */
static int
script_request(struct pdu *pdu)
{
	const uint8_t *data;
	size_t len;
	int r = login_request(script.login, pdu, &data, &len, &script.err);

	if (r < 0)
		return r;
	assert_int_equal(pdu->opcode, OP_LOGIN_REQUEST);
	assert_true(pdu->immediate);
	assert_int_equal(pdu->version_max, 0);
	assert_int_equal(pdu->version_min, 0);
	assert_memory_equal(pdu->isid, script.config.isid, ISID_LEN);
	assert_int_equal(pdu->tsih, script.config.tsih);
	assert_int_equal(pdu->cid, script.config.cid);
	assert_int_equal(pdu->cmd_sn, script.config.cmd_sn);
	assert_int_equal(pdu->exp_stat_sn, script.requests ? script.stat_sn
			 : script.config.exp_stat_sn);
	assert_int_not_equal(pdu->initiator_task_tag, TAG_NONE);
	assert_int_equal(pdu->data_segment_length, len);
	assert_true(len <= LOGIN_DATA_SEGMENT_MAX);
	assert_false(pdu->final && pdu->continued);
	assert_true(pdu->csg == 0 || pdu->csg == 1);
	if (!pdu->final)
		assert_int_equal(pdu->nsg, 0);
	script.requests++;

	char *s = script.last_request;

	s += sprintf(s, pdu->final ? "T%d%d " : pdu->continued ? "C%d " : "-%d ",
		     pdu->csg, pdu->nsg);
	for (size_t i = 0; i < len; i++)
		*s++ = data[i] ? (char)data[i] : ';';
	*s = '\0';
	return 0;
}

/* Answers a request with text of len bytes, nulls and all. */
static int
script_respond(const struct pdu *request, const struct step *step,
	       const char *flags, const uint8_t *text, size_t len)
{
	bool transit = flags[0] == 'T' || flags[0] == 'B';
	struct pdu pdu = {
		.opcode = step->opcode ? step->opcode : OP_LOGIN_RESPONSE,
		.final = transit,
		.continued = flags[0] == 'C' || flags[0] == 'B',
		.csg = (uint8_t)(flags[1] - '0'),
		.nsg = transit ? (uint8_t)(flags[2] - '0') : 0,
		.version_max = step->version_max,
		.version_min = step->version_active,
		.tsih = request->tsih,
		.initiator_task_tag = request->initiator_task_tag,
		.exp_cmd_sn = script.config.cmd_sn,
		.max_cmd_sn = script.config.cmd_sn + 1,
		.status_class = (uint8_t)(step->status >> 8),
		.status_detail = (uint8_t)step->status,
		.data_segment_length = (uint32_t)len,
	};

	memcpy(pdu.isid, request->isid, ISID_LEN);
	if (transit && pdu.nsg == 3 && script.config.leading)
		pdu.tsih = SCRIPT_TSIH;
	if (step->tsih)
		pdu.tsih = step->tsih < 0 ? 0 : (uint16_t)step->tsih;
	pdu.isid[5] ^= step->wrong_isid;
	pdu.initiator_task_tag ^= step->wrong_tag;
	script.stat_sn += step->skip_stat_sn;
	pdu.stat_sn = script.stat_sn++;
	/* exactly as large as it is, so that a sanitizer sees what is beyond */
	uint8_t *copy = malloc(len ? len : 1);

	if (len)
		memcpy(copy, text, len);
	int r = login_response(script.login, &pdu, copy, len, &script.err);

	free(copy);
	return r;
}

static int
script_step(const struct step *step)
{
	struct pdu request;
	int r = script_request(&request);

	if (r < 0)
		return r;
	if (step->request)
		assert_string_equal(script.last_request, step->request);
	if (!step->response)
		return LOGIN_MORE;
	const char *text = strchr(step->response, ' ');
	uint8_t data[20000];
	size_t len = 0;

	for (text = text ? text + 1 : ""; text[len]; len++)
		data[len] = text[len] == ';' ? 0 : (uint8_t)text[len];
	return script_respond(&request, step, step->response, data, len);
}

/* Runs until something but LOGIN_MORE comes out, which must be at the end. */
static int
script_run(const struct step *steps, size_t n)
{
	int r = LOGIN_MORE;

	script_start();
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(r, LOGIN_MORE);
		r = script_step(&steps[i]);
	}
	return r;
}

#define RUN(steps) script_run(steps, COUNT(steps))
#define SCRIPT_TEST(f)                                                        \
	cmocka_unit_test_setup_teardown(f, script_setup, script_teardown)

#endif
