/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The receiver: however the stream is cut, the same PDUs come out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/bytes.h"
#include "wire/digest.h"
#include "wire/rx.h"

enum { PDUS_MAX = 64, STREAM_MAX = 512 * 1024, MAX_DATA = 256 * 1024 };

/* What is sent. The payload of a PDU is a pattern that its number makes. */
struct sent {
	struct pdu pdu;
	bool has_ahs;
	struct ahs ahs;
	bool placed;
};

struct stream {
	size_t count, len;
	struct sent sent[PDUS_MAX];
	bool header_digest, data_digest;	/* for what is added */
	uint8_t bytes[STREAM_MAX];
	uint8_t in_header[STREAM_MAX];	/* of bytes that a header digest covers,
					 * or that are one */
};

static uint8_t
pattern(size_t number, size_t i)
{
	return (uint8_t)(number * 37 + i * 11 + i / 256);
}

static void
add_digest(struct stream *s, uint8_t *from)
{
	uint8_t *end = s->bytes + s->len;

	digest_put(digest_update(DIGEST_SEED, from, (size_t)(end - from)), end);
	s->len += DIGEST_LEN;
}

static void
add(struct stream *s, const struct pdu *pdu, size_t len, bool placed,
    const struct ahs *ahs)
{
	struct sent *sent = &s->sent[s->count];
	uint8_t *start = s->bytes + s->len;

	*sent = (struct sent){ .pdu = *pdu, .placed = placed };
	sent->pdu.data_segment_length = (uint32_t)len;
	s->len += BHS_LEN;
	if (ahs) {
		size_t n = ahs_encode(ahs, s->bytes + s->len);

		sent->has_ahs = true;
		sent->ahs = *ahs;
		sent->pdu.total_ahs_length = (uint8_t)(n / 4);
		s->len += n;
	}
	pdu_encode(&sent->pdu, start);
	assert_int_equal(pdu_decode(&sent->pdu, start, NULL), 0);
	if (s->header_digest)
		add_digest(s, start);
	memset(s->in_header + (start - s->bytes), 1,
	       (size_t)(s->bytes + s->len - start));

	start = s->bytes + s->len;
	for (size_t i = 0; i < len; i++)
		s->bytes[s->len++] = pattern(s->count, i);
	for (size_t i = 0; i < pad4(len); i++)
		s->bytes[s->len++] = 0xee;	/* 11.1: whatever it is */
	if (len > 0 && s->data_digest)
		add_digest(s, start);
	s->count++;
	assert_true(s->count <= PDUS_MAX && s->len <= STREAM_MAX);
}

static struct stream *
new_stream(bool header_digest, bool data_digest)
{
	struct stream *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->header_digest = header_digest;
	s->data_digest = data_digest;
	return s;
}

/* All kinds of PDUs in both directions, with payloads of all remainders. */
static void
add_variety(struct stream *s)
{
	static const struct { uint8_t op; uint16_t len; bool placed; } kinds[] = {
		{ OP_LOGIN_RESPONSE, 61, false }, { OP_NOP_IN, 0, false },
		{ OP_DATA_IN, 128, true }, { OP_DATA_IN, 1, true },
		{ OP_DATA_IN, 2, false }, { OP_DATA_IN, 3, true },
		{ OP_DATA_IN, 0, true }, { OP_SCSI_RESPONSE, 20, false },
		{ OP_SCSI_RESPONSE, 0, false }, { OP_R2T, 0, false },
		{ OP_TMF_RESPONSE, 0, false }, { OP_ASYNC_MESSAGE, 5, false },
		{ OP_REJECT, 48, false }, { OP_TEXT_RESPONSE, 7, true },
		{ OP_LOGOUT_RESPONSE, 0, false }, { OP_NOP_OUT, 6, false },
		{ OP_DATA_OUT, 33, true },
	};
	struct ahs ahs = {
		.extended_cdb_len = 17, .extended_cdb = { 9, 8, 7 },
		.has_bidi_read_length = true, .bidi_read_length = 4711,
	};
	struct pdu cmd = { .opcode = OP_SCSI_COMMAND, .cmd_sn = 77 };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct pdu pdu = {
			.opcode = kinds[i].op, .final = i % 2,
			.initiator_task_tag = (uint32_t)(0x100 + i),
			.stat_sn = (uint32_t)(1000 + i),
		};

		add(s, &pdu, kinds[i].len, kinds[i].placed, NULL);
	}
	add(s, &cmd, 10, true, &ahs);
	add(s, &cmd, 0, false, NULL);
}

struct sink {
	const struct stream *s;
	struct rx *rx;
	size_t headers, pdus, bad;	/* bad: a data digest was wrong */
	size_t bad_at;
	uint8_t *place;			/* takes MAX_DATA bytes */
	int header_result, pdu_result;	/* of the PDU number fail_at */
	size_t fail_at;
};

static int
on_header(void *user, const struct pdu *pdu, const struct ahs *ahs,
	  void **place)
{
	struct sink *k = user;
	const struct sent *sent = &k->s->sent[k->headers];

	assert_int_equal(k->headers, k->pdus);
	assert_true(k->headers < k->s->count);
	assert_null(*place);
	assert_memory_equal(pdu, &sent->pdu, sizeof(*pdu));
	assert_int_equal(ahs != NULL, sent->has_ahs);
	if (ahs) {
		uint8_t got[AHS_ENCODED_MAX], want[AHS_ENCODED_MAX];
		size_t n = ahs_encode(&sent->ahs, want);

		assert_int_equal(ahs_encode(ahs, got), n);
		assert_memory_equal(got, want, n);
	}
	if (sent->placed) {
		memset(k->place, 0xcc, pdu->data_segment_length + 1);
		*place = k->place;
	}
	return k->headers++ == k->fail_at ? k->header_result : 0;
}

static int
on_pdu(void *user, const struct pdu *pdu, const uint8_t *data, bool digest_ok)
{
	struct sink *k = user;
	const struct sent *sent = &k->s->sent[k->pdus];
	size_t len = pdu->data_segment_length;

	assert_int_equal(k->headers, k->pdus + 1);
	assert_memory_equal(pdu, &sent->pdu, sizeof(*pdu));
	if (sent->placed) {
		assert_ptr_equal(data, k->place);
		assert_int_equal(data[len], 0xcc);	/* nothing beyond */
	}
	if (!digest_ok) {
		k->bad++;
		k->bad_at = k->pdus;
	}
	for (size_t i = 0; digest_ok && i < len; i++)
		assert_int_equal(data[i], pattern(k->pdus, i));
	return k->pdus++ == k->fail_at ? k->pdu_result : 0;
}

static const struct rx_ops ops = { on_header, on_pdu };

static void
open_sink(struct sink *k, const struct stream *s)
{
	*k = (struct sink){ .s = s, .fail_at = SIZE_MAX };
	k->place = malloc(MAX_DATA + 1);
	assert_int_equal(rx_new(&k->rx, &ops, k, MAX_DATA, NULL), 0);
	rx_set_digests(k->rx, s->header_digest, s->data_digest);
}

static void
close_sink(struct sink *k)
{
	k->rx = rx_free(k->rx);
	free(k->place);
}

/* One readv() of at most len bytes. */
static int
feed_once(struct rx *rx, const uint8_t **p, size_t len)
{
	struct iovec iov[2];
	size_t done = 0;
	int n = rx_iov(rx, iov);

	assert_in_range(n, 1, 2);
	for (int i = 0; i < n; i++) {
		size_t part = len - done < iov[i].iov_len ?
			      len - done : iov[i].iov_len;

		assert_true(iov[i].iov_len > 0);
		memcpy(iov[i].iov_base, *p, part);
		*p += part;
		done += part;
	}
	return rx_ack(rx, done);
}

static int
feed(struct rx *rx, const uint8_t *p, size_t len)
{
	const uint8_t *end = p + len;
	int r = 0;

	while (r == 0 && p < end)
		r = feed_once(rx, &p, (size_t)(end - p));
	return r;
}

static void
check_all_came(const struct sink *k)
{
	assert_int_equal(k->pdus, k->s->count);
	assert_int_equal(k->headers, k->s->count);
	assert_int_equal(k->bad, 0);
}

/*
 * shows: 7143-11.1-03 7143-11.2.3-02 7143-13.1-04
 */
static void
test_each_split(void **state)
{
	for (unsigned int d = 0; d < 4; d++) {
		struct stream *s = new_stream(d & 1, d & 2);

		add_variety(s);
		for (size_t cut = 0; cut <= s->len; cut++) {
			struct sink k;

			open_sink(&k, s);
			assert_int_equal(feed(k.rx, s->bytes, cut), 0);
			assert_int_equal(feed(k.rx, s->bytes + cut,
					      s->len - cut), 0);
			check_all_came(&k);
			close_sink(&k);
		}
		for (size_t step = 1; step < 100; step++) {
			struct sink k;

			open_sink(&k, s);
			for (size_t i = 0; i < s->len; i += step) {
				size_t n = s->len - i < step ? s->len - i : step;

				assert_int_equal(feed(k.rx, s->bytes + i, n), 0);
			}
			check_all_came(&k);
			close_sink(&k);
		}
		free(s);
	}
}

static uint64_t
draw(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed >> 16;
}

/* Large and small payloads, cut in all orders of magnitude. */
static void
test_random_segments(void **state)
{
	uint64_t seed = 88172645463325252;

	for (unsigned int run = 0; run < 200; run++) {
		struct stream *s = new_stream(run & 1, run & 2);
		struct pdu in = { .opcode = OP_DATA_IN };
		struct sink k;

		add(s, &in, 40000, true, NULL);
		add_variety(s);
		add(s, &in, 70001, run & 4, NULL);
		add(s, &in, 16384, true, NULL);
		add(s, &in, 150002, run & 8, NULL);
		add_variety(s);
		open_sink(&k, s);

		const uint8_t *p = s->bytes, *end = p + s->len;
		while (p < end) {
			size_t max = (size_t)1 << draw(&seed) % 18;
			size_t n = 1 + draw(&seed) % max;

			if (n > (size_t)(end - p))
				n = (size_t)(end - p);
			assert_int_equal(feed_once(k.rx, &p, n), 0);
		}
		check_all_came(&k);
		close_sink(&k);
		free(s);
	}
}

/*
 * Each single wrong bit is noticed: in a header it ends the connection, in
 * data it spoils that PDU and no other.
 * shows: 7143-7.8-02
 */
static void
test_each_wrong_bit(void **state)
{
	struct stream *s = new_stream(true, true);
	struct pdu ping = { .opcode = OP_NOP_IN };

	add_variety(s);
	size_t len = s->len;
	/* a wrong TotalAHSLength shows within as many bytes more */
	while (s->len < len + BHS_LEN + AHS_LEN_MAX)
		add(s, &ping, 0, false, NULL);
	for (size_t bit = 0; bit < 8 * len; bit++) {
		struct sink k;

		open_sink(&k, s);
		s->bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		int r = feed(k.rx, s->bytes, s->len);
		s->bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (s->in_header[bit / 8]) {
			assert_int_equal(r, LUN_EDIGEST);
			assert_int_equal(rx_error(k.rx)->code, LUN_EDIGEST);
			assert_int_equal(k.bad, 0);
		} else {
			assert_int_equal(r, 0);
			assert_int_equal(k.pdus, s->count);
			assert_int_equal(k.bad, 1);
		}
		close_sink(&k);
	}
	free(s);
}

/*
 * Format errors: refused, with a sentence, at the header; nothing is asked of
 * the owner for such a PDU.
 * shows: 7143-11.2-01 7143-11.7.1-04
 */
static void
test_format_errors(void **state)
{
	static const struct {
		uint8_t op, ahs;
		uint32_t len;
		const char *text;
	} cases[] = {
		{ 0x3a, 0, 0, "unknown opcode 0x3a" },
		{ 0x08, 0, 0, "unknown opcode 0x08" },
		{ OP_SCSI_RESPONSE, 1, 0, "SCSI Response with TotalAHSLength" },
		{ OP_DATA_IN, 255, 8, "Data-In with TotalAHSLength 255" },
		{ OP_NOP_OUT, 1, 0, "NOP-Out with TotalAHSLength" },
		{ OP_R2T, 0, 4, "R2T with DataSegmentLength 4" },
		{ OP_TMF_RESPONSE, 0, 1, "with DataSegmentLength 1" },
		{ OP_LOGOUT_RESPONSE, 0, 1, "with DataSegmentLength 1" },
		{ OP_DATA_IN, 0, MAX_DATA + 1, "our limit is 262144" },
		{ OP_NOP_IN, 0, DATA_SEGMENT_MAX, "our limit is 262144" },
		{ OP_SCSI_COMMAND, 1, 0, "AHSLength 0" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct stream *s = new_stream(false, false);
		uint8_t wire[BHS_LEN + AHS_LEN_MAX] = {
			cases[i].op, 0x80, [4] = cases[i].ahs,
		};
		struct sink k;

		put24(wire + 5, cases[i].len);
		open_sink(&k, s);
		assert_int_equal(feed(k.rx, wire, sizeof(wire)), LUN_EPROTO);
		assert_int_equal(k.headers, 0);
		assert_int_equal(rx_error(k.rx)->code, LUN_EPROTO);
		assert_non_null(strstr(rx_error(k.rx)->text, cases[i].text));
		close_sink(&k);
		free(s);
	}
}

/* What a callback returns stops everything and comes out unchanged. */
static void
test_callback_results(void **state)
{
	struct stream *s = new_stream(false, false);

	add_variety(s);
	for (size_t i = 0; i < 2 * s->count; i++) {
		struct sink k;

		open_sink(&k, s);
		k.fail_at = i / 2;
		if (i % 2)
			k.pdu_result = -4711;
		else
			k.header_result = -4711;
		assert_int_equal(feed(k.rx, s->bytes, s->len), -4711);
		assert_int_equal(k.headers, i / 2 + 1);
		assert_int_equal(k.pdus, i / 2 + i % 2);
		assert_int_equal(rx_error(k.rx)->code, 0);
		close_sink(&k);
	}
	free(s);
}

/* At the end of the Login Phase digests and limits change within pdu(). */
static int
on_switch_pdu(void *user, const struct pdu *pdu, const uint8_t *data,
	      bool digest_ok)
{
	struct sink *k = user;
	int r;

	assert_true(digest_ok);
	if (k->pdus == 0) {
		assert_int_equal(rx_set_max_data(k->rx, MAX_DATA), 0);
		rx_set_digests(k->rx, true, true);
	}
	r = on_pdu(user, pdu, data, digest_ok);	/* data is still valid */
	return r;
}

/*
 * shows: 7143-11.12-02
 */
static void
test_switch_at_login(void **state)
{
	static const struct rx_ops switch_ops = { on_header, on_switch_pdu };
	struct stream *s = new_stream(false, false);
	struct pdu login = { .opcode = OP_LOGIN_RESPONSE };
	struct pdu in = { .opcode = OP_DATA_IN };

	add(s, &login, 333, false, NULL);
	s->header_digest = s->data_digest = true;
	add(s, &in, 100000, false, NULL);
	add_variety(s);
	for (size_t step = 1; step < s->len; step = 3 * step + 1) {
		struct sink k;

		open_sink(&k, s);
		rx_free(k.rx);
		assert_int_equal(rx_new(&k.rx, &switch_ops, &k,
					LOGIN_DATA_SEGMENT_MAX, NULL), 0);
		for (size_t i = 0; i < s->len; i += step) {
			size_t n = s->len - i < step ? s->len - i : step;

			assert_int_equal(feed(k.rx, s->bytes + i, n), 0);
		}
		check_all_came(&k);
		close_sink(&k);
	}
	free(s);
}

/* From the second large payload on no byte of payload is copied, but for a
 * short stretch behind each header. */
static void
test_large_payloads_in_place(void **state)
{
	struct stream *s = new_stream(false, false);
	struct pdu in = { .opcode = OP_DATA_IN };
	struct sink k;
	size_t in_place = 0;

	for (int i = 0; i < 3; i++)
		add(s, &in, 100000, true, NULL);
	open_sink(&k, s);
	for (size_t i = 0; i < s->len; ) {
		struct iovec iov[2];
		const uint8_t *p = s->bytes + i;
		int n = rx_iov(k.rx, iov);

		if (n == 2) {
			in_place += iov[0].iov_len;
			assert_true(iov[0].iov_base >= (void *)k.place &&
				    iov[0].iov_base < (void *)(k.place + 100000));
		}
		if (i > 0)
			assert_true(iov[n - 1].iov_len <= 4096);
		assert_int_equal(feed_once(k.rx, &p, s->len - i), 0);
		i = (size_t)(p - s->bytes);
	}
	check_all_came(&k);
	assert_true(in_place >= 100000 - 65536 + 2 * (100000 - 4096));
	/* a small one opens the stage again */
	s->len = 0;
	add(s, &in, 512, true, NULL);
	assert_int_equal(feed(k.rx, s->bytes, s->len), 0);
	struct iovec iov[2];
	assert_int_equal(rx_iov(k.rx, iov), 1);
	assert_int_equal(iov[0].iov_len, 65536);
	close_sink(&k);
	free(s);
}

static int
on_forgotten_pdu(void *user, const struct pdu *pdu, const uint8_t *data,
		 bool digest_ok)
{
	struct sink *k = user;

	assert_true(digest_ok);
	if (k->pdus > 0)
		return on_pdu(user, pdu, data, digest_ok);
	assert_null(data);
	k->pdus++;
	return 0;
}

/* A place that goes away: nothing more is written there, the stream goes on. */
static void
test_forget(void **state)
{
	static const struct rx_ops forget_ops = { on_header, on_forgotten_pdu };
	struct stream *s = new_stream(true, false);
	struct pdu in = { .opcode = OP_DATA_IN };

	s->data_digest = false;
	add(s, &in, 50, true, NULL);
	add_variety(s);
	size_t head = BHS_LEN + DIGEST_LEN;
	/* up to and including: all payload is there, padding is missing */
	for (size_t got = 0; got <= 50; got++) {
		struct sink k;
		uint8_t *gone = malloc(64);

		open_sink(&k, s);
		rx_free(k.rx);
		uint8_t *kept = k.place;
		k.place = gone;
		assert_int_equal(rx_new(&k.rx, &forget_ops, &k, MAX_DATA,
					NULL), 0);
		rx_set_digests(k.rx, true, false);
		assert_int_equal(feed(k.rx, s->bytes, head + got), 0);
		rx_forget(k.rx, kept, MAX_DATA + 1);	/* another one */
		rx_forget(k.rx, gone + 1, 63);
		rx_forget(k.rx, gone, 64);
		free(gone);				/* the sanitizer watches */
		k.place = kept;
		assert_int_equal(feed(k.rx, s->bytes + head + got,
				      s->len - head - got), 0);
		check_all_came(&k);
		rx_forget(k.rx, k.place, MAX_DATA + 1);	/* none is in use */
		close_sink(&k);
	}
	free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_split),
		cmocka_unit_test(test_random_segments),
		cmocka_unit_test(test_each_wrong_bit),
		cmocka_unit_test(test_format_errors),
		cmocka_unit_test(test_callback_results),
		cmocka_unit_test(test_switch_at_login),
		cmocka_unit_test(test_large_payloads_in_place),
		cmocka_unit_test(test_forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
