/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The wire format of iSNS: what we write, and what servers may write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "discovery/isns-pdu.h"
#include "isns-peer.h"

/* ------------------------------------------------------------- writing -- */

/* shows: 4171-5-01 4171-5.1.4-01 4171-5.3.1-01 */
static void
test_names_of_every_length(void **state)
{
	char name[224] = "";

	for (size_t len = 9; len <= 223; len++) {
		struct str out = STR_INIT(4096);
		size_t padded = (len + 1 + 3) / 4 * 4;

		memset(name, 'a', len);
		name[len] = '\0';

		size_t at = isns_begin(&out, ISNS_DEV_ATTR_QRY, 0x1234);

		isns_add_text(&out, ISNS_NAME, name);
		isns_add(&out, ISNS_DELIMITER, NULL, 0);
		isns_end(&out, at);
		assert_false(out.failed);
		assert_int_equal(out.len, 12 + 8 + padded + 8);

		const uint8_t head[12] = { 0, 1, 0, 2,
			(uint8_t)((out.len - 12) >> 8), (uint8_t)(out.len - 12),
			0x8c, 0, 0x12, 0x34, 0, 0 };
		const uint8_t attribute[8] = { 0, 0, 0, 32, 0, 0, 0,
					       (uint8_t)padded };
		static const uint8_t zeroes[12];

		assert_memory_equal(out.p, head, 12);
		assert_memory_equal(out.p + 12, attribute, 8);
		assert_memory_equal(out.p + 20, name, len);
		assert_memory_equal(out.p + 20 + len, zeroes,
				    padded - len + 8);
		str_deinit(&out);
	}
}

/* ------------------------------------------------------------- reading -- */

/* Feeds a stream in steps; the payload of its first message, or NULL and the
 * code. */
static char *
receive(const uint8_t *p, size_t len, size_t step, size_t *out_len, int *code)
{
	struct isns_rx rx;
	struct isns_message m;
	struct lun_error err;
	char *payload = NULL;

	isns_rx_init(&rx, 100000);
	*code = 0;
	while (len > 0 && *code == 0) {
		size_t n = step < len ? step : len, left = n;
		const uint8_t *at = p;

		while (left > 0 && *code == 0)
			*code = isns_rx_feed(&rx, &at, &left, &m, &err);
		p += n - left;
		len -= n - left;
	}
	if (*code == ISNS_RX_MESSAGE) {
		payload = malloc(m.len + 1);
		assert_non_null(payload);
		memcpy(payload, m.payload, m.len);
		*out_len = m.len;
	}
	isns_rx_deinit(&rx);
	return payload;
}

/* payload as a message of n PDUs, cut at cut and then evenly. */
static size_t
cut_message(uint8_t *out, const uint8_t *payload, size_t len, size_t n,
	    size_t cut)
{
	size_t at = 0, o = 0;

	for (size_t i = 0; i < n; i++) {
		size_t rest = len - at, piece = i == 0 ? cut :
			i == n - 1 ? rest : rest / (n - i) / 4 * 4;

		put16(out + o, 1);
		put16(out + o + 2, 0x8002);
		put16(out + o + 4, (uint16_t)piece);
		put16(out + o + 6, (uint16_t)(0x4000 | (i == 0 ? 0x400 : 0) |
					      (i == n - 1 ? 0x800 : 0)));
		put16(out + o + 8, 77);
		put16(out + o + 10, (uint16_t)i);
		memcpy(out + o + 12, payload + at, piece);
		o += 12 + piece;
		at += piece;
	}
	return o;
}

static void
make_payload(struct wire *w)
{
	wire_begin(w, 0x8002, 77, 0x4c00);
	u32(w, 0);
	tlv(w, 32, NULL, 0);
	tlv(w, 0, NULL, 0);
	for (uint32_t i = 0; i < 5; i++) {
		tlv_text(w, 32, "iqn.2026-11.a:bcd");
		tlv32(w, 33, i);
	}
}

/* shows: 4171-5.2-01 */
static void
test_messages_in_pieces(void **state)
{
	static const size_t pieces[] = { 1, 2, 3, 20 };
	static struct wire w;
	uint8_t out[2000];

	make_payload(&w);

	size_t len = w.len - HEADER;

	for (size_t k = 0; k < 4; k++) {
		for (size_t cut = 0; cut <= len; cut += 4) {
			size_t n = cut_message(out, w.p + HEADER, len,
					       pieces[k],
					       pieces[k] == 1 ? len : cut);

			for (size_t step = 1; step < n + 7; step += 7) {
				size_t got;
				int r;
				char *p = receive(out, n, step, &got, &r);

				assert_int_equal(r, ISNS_RX_MESSAGE);
				assert_int_equal(got, len);
				assert_memory_equal(p, w.p + HEADER, len);
				free(p);
			}
		}
	}
}

/* Every byte for itself: the smallest step. */
static void
test_byte_by_byte(void **state)
{
	static struct wire w;
	uint8_t out[2000];
	size_t got;
	int r;

	make_payload(&w);

	size_t n = cut_message(out, w.p + HEADER, w.len - HEADER, 3, 40);
	char *p = receive(out, n, 1, &got, &r);

	assert_int_equal(r, ISNS_RX_MESSAGE);
	assert_memory_equal(p, w.p + HEADER, got);
	free(p);
	/* the last PDU does not come: no message, and no error either */
	assert_null(receive(out, n - 1, 1, &got, &r));
	assert_int_equal(r, 0);
}

/* shows: 4171-5.1.1-01 4171-5.2-01 */
static void
test_bad_streams(void **state)
{
	/* what is wrong with the header of the second of three PDUs */
	static const struct {
		size_t at;
		uint16_t value;
	} wrong[] = {
		{ 0, 0 }, { 0, 2 }, { 0, 0x100 },	/* version */
		{ 2, 0x8003 },				/* function */
		{ 4, 7 }, { 4, 2 }, { 4, 0xffff },	/* length */
		{ 6, 0x4400 },				/* another first */
		{ 6, 0x4c00 },				/* whole, not number 0 */
		{ 8, 78 },				/* transaction */
		{ 10, 0 }, { 10, 2 }, { 10, 0xffff },	/* sequence */
	};
	static struct wire w;
	uint8_t out[70000] = { 0 };
	size_t got;
	int r;

	make_payload(&w);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		size_t n = cut_message(out, w.p + HEADER, w.len - HEADER, 3,
				       40);

		put16(out + 12 + 40 + wrong[i].at, wrong[i].value);
		assert_null(receive(out, n + 2000, 4096, &got, &r));
		assert_int_equal(r, LUN_EPROTO);
	}
	/* the first one is missing */
	size_t n = cut_message(out, w.p + HEADER, w.len - HEADER, 3, 40);

	assert_null(receive(out + 52, n - 52, 4096, &got, &r));
	assert_int_equal(r, LUN_EPROTO);
}

/* shows: 4171-5.2-02 */
static void
test_a_message_without_end(void **state)
{
	enum { PIECE = 1000, MAX = 100000 };
	static uint8_t pdu[HEADER + PIECE];
	struct isns_message m;
	struct lun_error err;
	struct isns_rx rx;
	size_t taken = 0;
	int r = 0;

	isns_rx_init(&rx, MAX);
	put16(pdu, 1);
	put16(pdu + 2, 0x8002);
	put16(pdu + 4, PIECE);
	for (unsigned i = 0; r == 0; i++) {
		const uint8_t *p = pdu;
		size_t left = sizeof(pdu);

		put16(pdu + 6, i == 0 ? 0x4400 : 0x4000);
		put16(pdu + 10, (uint16_t)i);
		r = isns_rx_feed(&rx, &p, &left, &m, &err);
		taken += PIECE;
		assert_true(rx.size <= 2 * MAX);
	}
	assert_int_equal(r, LUN_EPROTO);
	assert_int_equal(taken, MAX + PIECE);
	isns_rx_deinit(&rx);

	/* empty ones come to an end, too */
	isns_rx_init(&rx, MAX);
	put16(pdu + 4, 0);
	r = 0;
	for (unsigned i = 0; r == 0; i++) {
		const uint8_t *p = pdu;
		size_t left = HEADER;

		assert_true(i <= 65536);
		put16(pdu + 6, i == 0 ? 0x4400 : 0x4000);
		put16(pdu + 10, (uint16_t)i);
		r = isns_rx_feed(&rx, &p, &left, &m, &err);
	}
	assert_int_equal(r, LUN_EPROTO);
	isns_rx_deinit(&rx);
}

/* A whole message between the pieces of another. */
static void
test_an_scn_within_a_response(void **state)
{
	static struct wire w, scn;
	uint8_t out[4000];
	struct isns_message m;
	struct lun_error err;
	struct isns_rx rx;

	make_payload(&w);
	wire_begin(&scn, ISNS_SCN, 9, 0x4c00);
	tlv32(&scn, 35, 8);

	size_t n = cut_message(out, w.p + HEADER, w.len - HEADER, 2, 40);

	memmove(out + 52 + wire_len(&scn), out + 52, n - 52);
	memcpy(out + 52, scn.p, scn.len);
	n += scn.len;

	const uint8_t *p = out;

	isns_rx_init(&rx, 4000);
	assert_int_equal(isns_rx_feed(&rx, &p, &n, &m, &err),
			 ISNS_RX_MESSAGE);
	assert_int_equal(m.function, ISNS_SCN);
	assert_int_equal(isns_rx_feed(&rx, &p, &n, &m, &err),
			 ISNS_RX_MESSAGE);
	assert_int_equal(m.function, 0x8002);
	assert_int_equal(m.len, w.len - HEADER);
	assert_memory_equal(m.payload, w.p + HEADER, m.len);
	isns_rx_deinit(&rx);
}

/* An authentication block is no part of the message, and is skipped. */
static void
test_authentication_block(void **state)
{
	static struct wire w;
	struct isns_message m;
	struct lun_error err;
	struct isns_rx rx;
	static const uint32_t bad[] = { 0, 19, 4097, 0xffffffff };

	for (size_t i = 0; i < 4; i++) {
		const uint8_t *p = w.p;

		wire_begin(&w, 0x8002, 77, 0x4c00 | 0x2000);
		u32(&w, 9);

		size_t payload = w.len - HEADER;

		wire_len(&w);
		u32(&w, 2);		/* DSA with SHA-1 */
		u32(&w, 45);
		for (size_t k = 8; k < 45; k++)
			w.p[w.len++] = 0xee;
		bytes(&w, "\0\1\200\2", 4);	/* what follows is a header */

		size_t len = w.len;

		isns_rx_init(&rx, 4000);
		assert_int_equal(isns_rx_feed(&rx, &p, &len, &m, &err),
				 ISNS_RX_MESSAGE);
		assert_int_equal(m.len, payload);
		assert_int_equal(len, 4);
		isns_rx_deinit(&rx);

		put32(w.p + HEADER + payload + 4, bad[i]);
		p = w.p;
		len = w.len;
		isns_rx_init(&rx, 4000);
		assert_int_equal(isns_rx_feed(&rx, &p, &len, &m, &err),
				 LUN_EPROTO);
		isns_rx_deinit(&rx);
	}
}

/* ---------------------------------------------------------- attributes -- */

/* How many there are, or the code. The message is copied to exact size. */
static int
count(const uint8_t *p, size_t len)
{
	uint8_t *exact = malloc(len ? len : 1);
	struct isns_message m = { .payload = exact, .len = len };
	struct isns_attr a;
	struct lun_error err;
	size_t pos = 0;
	int n = 0, r;

	assert_non_null(exact);
	if (len > 0)
		memcpy(exact, p, len);
	while ((r = isns_attr_next(&m, &pos, &a, &err)) == ISNS_ATTR)
		n++;
	free(exact);
	return r < 0 ? r : n;
}

/* shows: 4171-5.3-01 4171-4.1.1-01 */
static void
test_attributes(void **state)
{
	static const uint32_t lengths[] = { 3, 1, 0xffffffff, 0xfffffffc,
					    0x80000000, 24 };
	static struct wire w;

	wire_begin(&w, 0, 0, 0);
	tlv32(&w, 33, 1);
	tlv(&w, 51, NULL, 0);			/* NULL */
	tlv(&w, 99999, "unknown", 7);
	tlv(&w, 257, "vendor", 6);
	tlv_text(&w, 32, "iqn.2026-11.a:b");

	const uint8_t *p = w.p + HEADER;
	size_t len = w.len - HEADER;

	assert_int_equal(count(p, len), 5);
	/* truncated: what is there up to an attribute's end, else an error */
	for (size_t i = 0; i < len; i++) {
		int whole = i == 0 ? 0 : i == 12 ? 1 : i == 20 ? 2 :
			    i == 36 ? 3 : i == 52 ? 4 : LUN_EPROTO;

		assert_int_equal(count(p, i), whole);
	}
	for (size_t i = 0; i < 6; i++) {
		put32(w.p + w.len - 20, lengths[i]);
		assert_int_equal(count(p, len), LUN_EPROTO);
	}
	/* a node type of eight bytes */
	wire_begin(&w, 0, 0, 0);
	tlv(&w, 33, "12345678", 8);
	assert_int_equal(count(w.p + HEADER, w.len - HEADER), LUN_EPROTO);
	/* an unknown attribute may have any length */
	wire_begin(&w, 0, 0, 0);
	tlv(&w, 45, "12345678", 8);
	assert_int_equal(count(w.p + HEADER, w.len - HEADER), 1);
}

/* shows: 4171-5.3.1-01 */
static void
test_texts(void **state)
{
	const struct isns_attr with = { .value = (const uint8_t *)"abc\0d",
					.len = 8 };
	const struct isns_attr without = { .value = (const uint8_t *)"abcd",
					   .len = 4 };

	assert_int_equal(isns_text_len(&with), 3);
	assert_int_equal(isns_text_len(&without), 4);
}

/* shows: 4171-6.3.1-01 4171-6.3.1-02 */
static void
test_addresses(void **state)
{
	static const struct {
		uint8_t address[16];
		const char *text;
	} cases[] = {
		{ { [10] = 0xff, 0xff, 127, 0, 0, 1 }, "127.0.0.1" },
		{ { [12] = 127, 0, 0, 1 }, "127.0.0.1" },
		{ { [12] = 192, 0, 2, 255 }, "192.0.2.255" },
		{ { 0 }, "::" },
		{ { [15] = 1 }, "::1" },
		{ { 0x20, 1, 0x0d, 0xb8, [15] = 9 }, "2001:db8::9" },
		{ { 0xfe, 0x80, [10] = 0xff, 0xff, 1, 2, 3, 4 },
		  "fe80::ffff:102:304" },
	};
	char buf[PORTAL_HOST16_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(portal_print_host16(cases[i].address, buf),
				    cases[i].text);
}

/* shows: 4171-5.4-01 */
static void
test_names_of_statuses_and_functions(void **state)
{
	char buf[24];

	for (uint32_t i = 0; i <= 23; i++)
		assert_true(strncmp(isns_status_name(i, buf), "status", 6) ||
			    i == 4);
	assert_string_equal(isns_status_name(6, buf), "Source Unknown");
	assert_string_equal(isns_status_name(24, buf), "status 24");
	assert_string_equal(isns_status_name(UINT32_MAX, buf),
			    "status 4294967295");
	assert_string_equal(isns_function_name(2, buf), "DevAttrQry");
	assert_string_equal(isns_function_name(0x800d, buf), "ESIRsp");
	assert_string_equal(isns_function_name(0x4444, buf), "0x4444");
}

/* ----------------------------------------------------------- heartbeat -- */

static void
make_heartbeat(struct wire *w, uint16_t flags)
{
	static const uint8_t address[16] = { [10] = 0xff, 0xff, 10, 0, 0, 1 };
	uint8_t backup[20] = { [10] = 0xff, 0xff, 10, 0, 0, 2, 0x0c, 0x85 };

	wire_begin(w, ISNS_HEARTBEAT, 0, (uint16_t)(0x4c00 | flags));
	bytes(w, address, 16);
	u32(w, 0x0c850c86);
	u32(w, 30);
	u32(w, 7);
	u32(w, 2);
	bytes(w, backup, 20);
	backup[15] = 3;
	bytes(w, backup, 20);
	bytes(w, "vendor data!", 12);
	wire_len(w);
}

/* shows: 4171-5.6.5.14-01 */
static void
test_heartbeat(void **state)
{
	struct isns_heartbeat h;
	struct lun_error err;
	static struct wire w;

	make_heartbeat(&w, 0);
	assert_int_equal(isns_heartbeat_parse(&h, w.p, w.len, &err), 0);
	assert_string_equal(h.active.address, "10.0.0.1");
	assert_int_equal(h.active.tcp_port, 3205);
	assert_int_equal(h.active.udp_port, 3206);
	assert_int_equal(h.interval, 30);
	assert_int_equal(h.counter, 7);
	assert_int_equal(h.n_backups, 2);
	assert_string_equal(h.backups[1].address, "10.0.0.3");
	assert_int_equal(h.backups[1].tcp_port, 3205);
	assert_false(h.has_auth);

	make_heartbeat(&w, 0x2000);
	u32(&w, 2);
	u32(&w, 20 + 8 + 4);
	u32(&w, 0);			/* time */
	u32(&w, 1);
	u32(&w, 8);			/* SPI */
	bytes(&w, "key\033[2J\n", 8);
	bytes(&w, "sign", 4);
	assert_int_equal(isns_heartbeat_parse(&h, w.p, w.len, &err), 0);
	assert_true(h.has_auth);
	assert_int_equal(h.auth_structure, 2);
	assert_memory_equal(h.auth_spi, "key", 3);
	assert_null(strpbrk(h.auth_spi, "\033\n"));
}

/* Every truncation, every wrong count. */
static void
test_bad_heartbeats(void **state)
{
	struct isns_heartbeat h;
	struct lun_error err;
	static struct wire w;

	make_heartbeat(&w, 0x2000);
	u32(&w, 2);
	u32(&w, 20);
	for (int i = 0; i < 3; i++)
		u32(&w, 0);
	for (size_t len = 0; len < w.len; len++) {
		uint8_t *exact = malloc(len ? len : 1);

		assert_non_null(exact);
		memcpy(exact, w.p, len);
		assert_int_equal(isns_heartbeat_parse(&h, exact, len, &err),
				 LUN_EPROTO);
		free(exact);
	}
	put32(w.p + w.len - 4, 1);	/* an SPI that is not there */
	assert_int_equal(isns_heartbeat_parse(&h, w.p, w.len, &err),
			 LUN_EPROTO);
	put32(w.p + w.len - 4, 0);
	put32(w.p + w.len - 16, 24);	/* longer than the datagram */
	assert_int_equal(isns_heartbeat_parse(&h, w.p, w.len, &err),
			 LUN_EPROTO);
	make_heartbeat(&w, 0);
	for (uint16_t n = 3; n > 0; n = (uint16_t)(n < 100 ? n + 1 : n * 2)) {
		put16(w.p + HEADER + 30, n);
		assert_int_equal(isns_heartbeat_parse(&h, w.p, w.len, &err),
				 LUN_EPROTO);
	}
	make_heartbeat(&w, 0);
	put16(w.p, 2);
	assert_int_equal(isns_heartbeat_parse(&h, w.p, w.len, &err),
			 LUN_EPROTO);
	make_heartbeat(&w, 0);
	u32(&w, 0);			/* after the PDU */
	assert_int_equal(isns_heartbeat_parse(&h, w.p, w.len, &err),
			 LUN_EPROTO);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_of_every_length),
		cmocka_unit_test(test_messages_in_pieces),
		cmocka_unit_test(test_byte_by_byte),
		cmocka_unit_test(test_bad_streams),
		cmocka_unit_test(test_a_message_without_end),
		cmocka_unit_test(test_an_scn_within_a_response),
		cmocka_unit_test(test_authentication_block),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_names_of_statuses_and_functions),
		cmocka_unit_test(test_heartbeat),
		cmocka_unit_test(test_bad_heartbeats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
