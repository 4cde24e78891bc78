/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text negotiations in the full feature phase: RFC 7143 6.4, 11.10, 11.11. */
#include <stdio.h>

#include "rfc/bench.h"

struct asked {
	struct text_exchange x;
	unsigned done;
	int code;
	char text[65536];
	size_t len;
};

static void
answered(struct text_exchange *x, int code, const struct lun_error *err,
	 const char *text, size_t len)
{
	struct asked *a = x->user;

	a->done++;
	a->code = code;
	a->len = len;
	assert_true(len <= sizeof(a->text));
	if (len)
		memcpy(a->text, text, len);
}

static struct asked *
ask(struct bench *b, const char *request, size_t len)
{
	struct asked *a = calloc(1, sizeof(*a));

	a->x = (struct text_exchange){
		.request = request, .request_len = len,
		.answer_max = sizeof(a->text), .done = answered, .user = a,
	};
	assert_int_equal(session_text(bench_session(b), &a->x, bench_now(b)), 0);
	bench_run(b);
	return a;
}

static const char send_targets[] = "SendTargets=All";

static struct bench *
discovery(const char *keys)
{
	struct bench *b = bench_new(&(struct bench_setup){ .discovery = true });

	bench_login(b, keys);
	return b;
}

static void
respond(struct bench *b, const struct got *got, const char *text, size_t len,
	bool final, bool continued, uint32_t ttt)
{
	struct pdu pdu = bench_pdu(b, OP_TEXT_RESPONSE, got);

	pdu.final = final;
	pdu.continued = continued;
	pdu.target_transfer_tag = ttt;
	pdu.lun = ttt == TAG_NONE ? 0 : 0x0002000000000000;
	bench_send(b, &pdu, text, len);
}

/* shows: 7143-6.4-01 7143-11.10.4-01 7143-11.10.4-02 7143-C-02 7143-4.3-01
 * shows: 7143-6.1-02 7143-13.21-02 */
static void
test_one_request_one_answer(void **state)
{
	static const char answer[] = "TargetName=iqn.2026-11.test:a\0"
	    "TargetAddress=192.0.2.1:3260,1";
	struct bench *b = discovery("");
	struct asked *a = ask(b, send_targets, sizeof(send_targets));
	struct got *got = bench_expect(b, OP_TEXT_REQUEST);

	assert_true(got->pdu.final && !got->pdu.continued);
	assert_int_equal(got->pdu.target_transfer_tag, TAG_NONE);
	assert_int_equal(got->pdu.data_segment_length, sizeof(send_targets));
	assert_memory_equal(got->data, send_targets, sizeof(send_targets));
	/* a tag with F=1 is not used */
	respond(b, got, answer, sizeof(answer), true, false, 0x55);
	assert_int_equal(a->done, 1);
	assert_int_equal(a->code, 0);
	assert_int_equal(a->len, sizeof(answer));
	assert_memory_equal(a->text, answer, sizeof(answer));
	bench_expect_nothing(b);

	/* nothing but text and goodbye on a Discovery session */
	session_stop(bench_session(b), bench_now(b));
	bench_run(b);
	assert_int_equal(bench_expect(b, OP_LOGOUT_REQUEST)->pdu.reason,
			 LOGOUT_SESSION);
	bench_expect_nothing(b);
	free(a);
	bench_free(b);
}

/* An answer cut anywhere, in PDUs with C=1, or with F=0 alone.
 * shows: 7143-6.1-04 7143-6.2-02 7143-6.2-05 7143-6.4-02 7143-11.10.3-01
 * shows: 7143-11.11.4-01 7143-C-04 */
static void
test_an_answer_in_many_pdus(void **state)
{
	static const char answer[] = "TargetName=iqn.2026-11.test:a\0"
	    "TargetAddress=192.0.2.1:3260,1\0TargetAddress=[2001:db8::1]:3260,2\0"
	    "TargetName=iqn.2026-11.test:b";

	for (size_t cut = 1; cut < sizeof(answer); cut++)
	for (int continued = 0; continued < 2; continued++) {
		struct bench *b = discovery("");
		struct asked *a = ask(b, send_targets, sizeof(send_targets));
		struct got *got = bench_expect(b, OP_TEXT_REQUEST), *next;
		uint32_t itt = got->pdu.initiator_task_tag;
		bool immediate = got->pdu.immediate;
		size_t pos = 0;

		for (uint32_t i = 0; pos + cut < sizeof(answer); i++) {
			respond(b, got, answer + pos, cut, false, continued, 0x80 + i);
			pos += cut;
			next = bench_expect(b, OP_TEXT_REQUEST);
			assert_int_equal(next->pdu.data_segment_length, 0);
			assert_int_equal(next->pdu.initiator_task_tag, itt);
			assert_int_equal(next->pdu.immediate, immediate);
			assert_int_equal(next->pdu.target_transfer_tag, 0x80 + i);
			assert_true(next->pdu.lun == 0x0002000000000000);
			assert_true(next->pdu.final);
			bench_expect_nothing(b);
			assert_int_equal(a->done, 0);
		}
		respond(b, got, answer + pos, sizeof(answer) - pos, true, false,
			TAG_NONE);
		assert_int_equal(a->done, 1);
		assert_int_equal(a->len, sizeof(answer));
		assert_memory_equal(a->text, answer, sizeof(answer));
		free(a);
		bench_free(b);
	}
}

/* shows: 7143-6.2-01 7143-6.2-03 7143-11.10.5-01 */
static void
test_a_request_longer_than_a_pdu(void **state)
{
	char request[1300];
	struct bench *b = discovery("MaxRecvDataSegmentLength=512");

	for (size_t i = 0; i < sizeof(request); i++)
		request[i] = (char)('a' + i % 26);
	memcpy(request, "X-long=", 7);
	request[sizeof(request) - 1] = 0;

	struct asked *a = ask(b, request, sizeof(request));
	struct got *got;
	size_t pos = 0;
	for (int i = 0; i < 3; i++) {
		got = bench_expect(b, OP_TEXT_REQUEST);
		bool last = i == 2;

		assert_true(got->pdu.data_segment_length <= 512);
		assert_memory_equal(got->data, request + pos,
				    got->pdu.data_segment_length);
		pos += got->pdu.data_segment_length;
		assert_int_equal(got->pdu.continued, !last);
		assert_int_equal(got->pdu.final, last);
		bench_expect_nothing(b);	/* it waits for the answer */
		if (!last)
			respond(b, got, NULL, 0, false, false, 9);
	}
	assert_int_equal(pos, sizeof(request));
	respond(b, got, NULL, 0, true, false, TAG_NONE);
	assert_int_equal(a->done, 1);
	assert_int_equal(a->code, 0);
	free(a);
	bench_free(b);
}

/* shows: 7143-11.11.1-01 7143-11.11.1-02 7143-11.11.2-01 7143-7.12-02 */
static void
test_impossible_answers_fail_the_negotiation(void **state)
{
	static const struct {
		bool final, continued, valid_tag;
	} cases[] = {
		{ true, true, true },		/* C and F */
		{ false, false, false },	/* no tag to go on with */
		{ false, true, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bench *b = discovery("");
		struct asked *a = ask(b, send_targets, sizeof(send_targets));
		struct got *got = bench_expect(b, OP_TEXT_REQUEST);

		respond(b, got, "TargetName=iqn.2026-11.test:a", 30, cases[i].final,
			cases[i].continued, cases[i].valid_tag ? 1 : TAG_NONE);
		assert_int_equal(a->done, 1);
		assert_int_equal(a->code, LUN_EPROTO);
		assert_int_equal(a->len, 0);
		bench_expect_nothing(b);
		free(a);
		/* a new sequence may begin, with the reserved tag */
		a = ask(b, send_targets, sizeof(send_targets));
		got = bench_expect(b, OP_TEXT_REQUEST);
		assert_int_equal(got->pdu.target_transfer_tag, TAG_NONE);
		respond(b, got, NULL, 0, true, false, TAG_NONE);
		assert_int_equal(a->code, 0);
		free(a);
		bench_free(b);
	}
}

/* F=1 in answer to an unfinished request. shows: 7143-11.11.1-01 */
static void
test_an_end_before_our_end(void **state)
{
	char request[600] = "X-long=";
	struct bench *b = discovery("MaxRecvDataSegmentLength=512");

	memset(request + 7, 'x', sizeof(request) - 8);
	struct asked *a = ask(b, request, sizeof(request));
	respond(b, bench_expect(b, OP_TEXT_REQUEST), NULL, 0, true, false, TAG_NONE);
	assert_int_equal(a->done, 1);
	assert_int_equal(a->code, LUN_EPROTO);
	free(a);
	bench_free(b);
}

/* shows: 7143-7.12-03 */
static void
test_a_reject_or_silence_fails_the_negotiation(void **state)
{
	for (int silence = 0; silence < 2; silence++) {
		struct bench *b = discovery("");
		struct asked *a = ask(b, send_targets, sizeof(send_targets));
		struct got *got = bench_expect(b, OP_TEXT_REQUEST);

		if (silence) {
			bench_pass(b, 21 * TIME_S);
		} else {
			bench_reject(b, got, REJECT_PROTOCOL);
		}
		assert_int_equal(a->done, 1);
		assert_int_equal(a->code, silence ? LUN_ETIMEDOUT : LUN_EREFUSED);
		free(a);
		bench_free(b);
	}
}

/* shows: 7143-11.10-01 */
static void
test_a_lost_connection_ends_the_negotiation(void **state)
{
	struct bench *b = discovery("");
	struct asked *a = ask(b, send_targets, sizeof(send_targets));

	bench_expect(b, OP_TEXT_REQUEST);
	bench_cut(b);
	assert_int_equal(a->done, 1);
	assert_int_equal(a->code, LUN_ELOST);
	free(a);
	bench_free(b);
}

/* An answer that never ends is bounded by what the caller takes. */
static void
test_an_endless_answer(void **state)
{
	char part[8192];
	struct bench *b = discovery("");
	struct asked *a = ask(b, send_targets, sizeof(send_targets));
	struct got *got = bench_expect(b, OP_TEXT_REQUEST);

	memset(part, 'x', sizeof(part));
	for (int i = 0; i < 20 && !a->done; i++)
		respond(b, got, part, sizeof(part), false, true, 1);
	assert_int_equal(a->done, 1);
	assert_true(a->code < 0);
	free(a);
	bench_free(b);
}

/* Parts that bring nothing, for ever: bounded in number and in time. */
static void
test_an_answer_that_brings_nothing(void **state)
{
	for (int slow = 0; slow < 2; slow++) {
		struct bench *b = discovery("");
		struct asked *a = ask(b, send_targets, sizeof(send_targets));
		struct got *got = bench_expect(b, OP_TEXT_REQUEST);
		int n = 0;

		for (; n < 1000 && !a->done; n++) {
			respond(b, got, NULL, 0, false, false, 1);
			bench_next(b);
			if (slow)
				bench_pass(b, TIME_S);
		}
		assert_int_equal(a->done, 1);
		assert_int_equal(a->code, slow ? LUN_ETIMEDOUT : LUN_EPROTO);
		free(a);
		bench_free(b);
	}
}

static struct got *
negotiation_wanted(struct bench *b)
{
	struct pdu pdu = bench_pdu(b, OP_ASYNC_MESSAGE, NULL);

	pdu.async_event = ASYNC_NEGOTIATE;
	pdu.parameter3 = 5;
	bench_send(b, &pdu, NULL, 0);
	return bench_expect(b, OP_TEXT_REQUEST);
}

/*
 * The target asks for a negotiation and declares a new segment length: it is
 * in force when the sequence is over, and not before.
 * shows: 7143-11.9.1-06 7143-6.4-06 7143-6.2-22 7143-13-02 7143-13-01
 */
static void
test_the_target_proposes(void **state)
{
	static const char keys[] = "MaxRecvDataSegmentLength=512";
	struct bench *b = bench_new(NULL);

	bench_login(b, "InitialR2T=Yes ImmediateData=Yes "
		    "MaxRecvDataSegmentLength=4096");
	struct got *got = negotiation_wanted(b);
	assert_int_equal(got->pdu.data_segment_length, 0);
	respond(b, got, keys, sizeof(keys), false, false, 7);
	got = bench_expect(b, OP_TEXT_REQUEST);
	struct command *cmd = bench_write(b, 0, 2048);
	struct got *write = bench_expect(b, OP_SCSI_COMMAND);
	assert_int_equal(write->pdu.data_segment_length, 2048);
	bench_response(b, write, SCSI_GOOD);
	bench_done(b, cmd, 0);

	respond(b, got, NULL, 0, true, false, TAG_NONE);
	cmd = bench_write(b, 0, 2048);
	write = bench_expect(b, OP_SCSI_COMMAND);
	assert_int_equal(write->pdu.data_segment_length, 512);
	bench_response(b, write, SCSI_BUSY);
	bench_done(b, cmd, 0);
	bench_free(b);
}

/*
 * What may not stand there leaves everything as it was: keys of the login,
 * keys twice, values out of range, what is no text.
 * shows: 7143-7.12-02 7143-6.4-05 7143-6.2-22
 */
static void
test_a_failed_negotiation_changes_nothing(void **state)
{
	static const struct {
		const char *text;
		bool final;
	} cases[] = {
		{ "MaxRecvDataSegmentLength=512 HeaderDigest=CRC32C", false },
		{ "MaxRecvDataSegmentLength=512 MaxRecvDataSegmentLength=512", false },
		{ "MaxRecvDataSegmentLength=100", true },
		{ "MaxRecvDataSegmentLength=512 =", true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bench *b = bench_new(NULL);
		uint8_t text[256];
		size_t len = bench_text(cases[i].text, text, sizeof(text));

		bench_login(b, "InitialR2T=Yes ImmediateData=Yes "
			    "MaxRecvDataSegmentLength=4096");
		struct got *got = negotiation_wanted(b);
		respond(b, got, (char *)text, len, cases[i].final, false,
			cases[i].final ? TAG_NONE : 7);
		if (!bench_logged(b, "nothing changed"))
			fail_msg("%s was taken", cases[i].text);
		struct command *cmd = bench_write(b, 0, 2048);
		struct got *write = bench_expect(b, OP_SCSI_COMMAND);
		assert_int_equal(write->pdu.data_segment_length, 2048);
		bench_response(b, write, SCSI_GOOD);
		bench_done(b, cmd, 0);
		bench_free(b);
	}
}

/* An unknown key that can be answered is. shows: 7143-6.2-10 7143-6.2-06 */
static void
test_an_unknown_key_is_not_understood(void **state)
{
	static const char keys[] = "X-com.example.k=1";
	struct bench *b = bench_new(NULL);

	bench_login(b, "");
	struct got *got = negotiation_wanted(b);
	respond(b, got, keys, sizeof(keys), false, false, 7);
	got = bench_expect(b, OP_TEXT_REQUEST);
	assert_string_equal(got_key(got, "X-com.example.k"), "NotUnderstood");
	respond(b, got, NULL, 0, true, false, TAG_NONE);
	assert_null(bench_logged(b, "nothing changed"));
	bench_free(b);
}

/* With F=1 there is no way to answer: it stays a proposal.
 * shows: 7143-11.11.1-03 */
static void
test_a_proposal_in_the_last_text(void **state)
{
	static const char keys[] = "X-com.example.k=1";
	struct bench *b = bench_new(NULL);

	bench_login(b, "");
	respond(b, negotiation_wanted(b), keys, sizeof(keys), true, false, TAG_NONE);
	bench_expect_nothing(b);
	assert_true(bench_up(b));
	bench_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_request_one_answer),
		cmocka_unit_test(test_an_answer_in_many_pdus),
		cmocka_unit_test(test_a_request_longer_than_a_pdu),
		cmocka_unit_test(test_impossible_answers_fail_the_negotiation),
		cmocka_unit_test(test_an_end_before_our_end),
		cmocka_unit_test(test_a_reject_or_silence_fails_the_negotiation),
		cmocka_unit_test(test_a_lost_connection_ends_the_negotiation),
		cmocka_unit_test(test_an_endless_answer),
		cmocka_unit_test(test_an_answer_that_brings_nothing),
		cmocka_unit_test(test_the_target_proposes),
		cmocka_unit_test(test_a_failed_negotiation_changes_nothing),
		cmocka_unit_test(test_an_unknown_key_is_not_understood),
		cmocka_unit_test(test_a_proposal_in_the_last_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
