/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A login with a target that answers anything. An input is circumstances and
 * then responses: flags, stages, status, length, text. Mostly the header is
 * that of a right response, so that the login gets somewhere.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "../random.h"
#include "fuzz.h"
#include "login/login.h"

static void
fuzz_random(void *user, void *buf, size_t len)
{
	memset(buf, 0x5a, len);
}

static const char *const lines[] = {	/* what a byte may stand for */
	"AuthMethod=CHAP", "AuthMethod=None", "AuthMethod=Reject",
	"CHAP_A=5", "CHAP_A=8", "CHAP_I=7", "CHAP_C=0x0102", "CHAP_C=0bAAEC",
	"CHAP_N=disk", "CHAP_R=0x00112233445566778899aabbccddeeff",
	"TargetPortalGroupTag=1", "TargetAlias=disk", "TargetAddress=10.0.0.1",
	"TargetAddress=[::1]:3260", "MaxRecvDataSegmentLength=65536",
	"HeaderDigest=CRC32C", "InitialR2T=Yes", "MaxBurstLength=4096",
	"X-com.example=1", "IFMarker=No", "TaskReporting=RFC3720",
};
enum { N_LINES = sizeof(lines) / sizeof(*lines) };

/* The text of a response; of exact size, so that a byte too far is seen. */
static uint8_t *
make_text(struct input *in, size_t *len)
{
	static uint8_t buf[16384];
	size_t n = input8(in);

	*len = 0;
	if (n == 0xff)
		n = 4000;
	for (; n > 0 && in->left && *len < sizeof(buf) - 64; n--) {
		uint8_t c = input8(in);

		if (c >= 0x80 && c - 0x80 < N_LINES) {
			const char *line = lines[c - 0x80];

			memcpy(buf + *len, line, strlen(line) + 1);
			*len += strlen(line) + 1;
		} else {
			buf[(*len)++] = c;
		}
	}
	uint8_t *exact = malloc(*len ? *len : 1);

	assert(exact);
	memcpy(exact, buf, *len);
	return exact;
}

static int
respond(struct login *l, const struct pdu *request, struct input *in)
{
	struct pdu pdu = {
		.opcode = OP_LOGIN_RESPONSE,
		.csg = request->csg,
		.tsih = request->tsih ? request->tsih : 1,
		.initiator_task_tag = request->initiator_task_tag,
	};
	struct lun_error err = { 0 };
	uint8_t flags = input8(in);
	size_t len;

	memcpy(pdu.isid, request->isid, ISID_LEN);
	pdu.final = flags & 1 ? request->final : flags & 2;
	pdu.nsg = flags & 4 ? input8(in) & 3 : request->nsg;
	pdu.continued = (flags & 0x18) == 0x18;
	if ((flags & 0xe0) == 0xe0) {		/* now and then */
		pdu.status_class = input8(in);
		pdu.status_detail = input8(in);
		pdu.csg = input8(in) & 3;
		pdu.version_min = input8(in) & 1;
		pdu.tsih = input8(in);
	}
	uint8_t *text = make_text(in, &len);

	pdu.data_segment_length = (uint32_t)len;
	int r = login_response(l, &pdu, text, len, &err);

	free(text);
	assert(r > 0 || (err.code == r && *err.text));
	return r;
}

static void
check_result(const struct login_result *result, int r,
	     const struct auth_config *auth)
{
	assert(result->n_portals >= 0);
	assert(result->n_portals <= REDIRECT_PORTALS_MAX);
	if (r == LOGIN_REDIRECT)
		assert(result->n_portals > 0);
	if (r != LOGIN_DONE)
		return;
	assert(result->tsih != 0);
	assert(result->params.FirstBurstLength <=
	       result->params.MaxBurstLength);
	assert(result->tpgt >= -1 && result->tpgt <= UINT16_MAX);
	/* nobody here knows the target's secret */
	assert(!auth->mutual);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct lun_env env = { .random = fuzz_random };
	struct input in = { data, size };
	uint8_t options = input8(&in);
	struct offer offer;
	struct params session;
	struct auth_config auth = {
		.method = options & 1 ? AUTH_CHAP : AUTH_NONE,
		.password = "the initiator's", .password_len = 15,
		.mutual = (options & 3) == 3,
		.password_in = "the target's own", .password_in_len = 16,
	};
	struct login_config config = {
		.initiator_name = "iqn.2001-04.com.example:me",
		.target_name = "iqn.2001-04.com.example:disk",
		.discovery = (options & 12) == 12,
		.leading = (options & 4),
		.tsih = options & 4 ? 0 : 9,
		.expected_tpgt = options & 16 ? 1 : -1,
		.lists_refused = options >> 7,
		.offer = &offer, .session = &session, .auth = &auth,
	};
	struct login *l;
	int r;

	offer_default(&offer);
	params_default(&session);
	if (login_new(&l, &config, &env, NULL) < 0)
		abort();
	do {
		struct pdu request;
		const uint8_t *text;
		size_t len;

		r = login_request(l, &request, &text, &len, NULL);
		if (r < 0)
			break;
		assert(len <= LOGIN_DATA_SEGMENT_MAX);
		assert(!request.final || !request.continued);
		r = respond(l, &request, &in);
	} while (r == LOGIN_MORE);
	check_result(login_result(l), r, &auth);
	login_free(l);
	return 0;
}
