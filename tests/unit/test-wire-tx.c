/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sender: whatever is acked when, the same bytes leave; who drops what. */
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
#include "wire/tx.h"

enum { WIRE_MAX = 64 * 1024, IOV_MAX_TEST = 7 };

struct wire {
	size_t len;
	uint8_t bytes[WIRE_MAX];
};

/* One writev() of at most len bytes. */
static size_t
send_once(struct tx *tx, struct wire *w, int max_iov, size_t len)
{
	struct iovec iov[IOV_MAX_TEST];
	size_t done = 0;
	int n = tx_iov(tx, iov, max_iov);

	assert_in_range(n, 0, max_iov);
	for (int i = 0; i < n; i++) {
		size_t part = len - done < iov[i].iov_len ?
			      len - done : iov[i].iov_len;

		assert_true(iov[i].iov_len > 0);
		memcpy(w->bytes + w->len, iov[i].iov_base, part);
		w->len += part;
		done += part;
	}
	size_t queued = tx_queued(tx);
	tx_ack(tx, done);
	assert_int_equal(tx_queued(tx), queued - done);
	return done;
}

static void
send_all(struct tx *tx, struct wire *w, int max_iov, size_t step)
{
	while (send_once(tx, w, max_iov, step) > 0)
		;
	assert_int_equal(tx_queued(tx), 0);
	assert_int_equal(tx_pdus(tx), 0);
}

static const uint8_t payload[8192] = { 1, 2, 3, 4, 5, 6, 7, 8, [8191] = 9 };
static const struct ahs ahs = {
	.extended_cdb_len = 16, .extended_cdb = { 0xab, [15] = 0xcd },
};
static const int owner_a, owner_b;

static struct tx *
new_tx(bool header, bool data)
{
	struct tx *tx;

	assert_int_equal(tx_new(&tx, NULL), 0);
	tx_set_digests(tx, header, data);
	return tx;
}

static void
add(struct tx *tx, uint8_t opcode, size_t len, const void *owner)
{
	struct pdu pdu = { .opcode = opcode, .initiator_task_tag = 7 };

	assert_int_equal(tx_add(tx, &pdu, opcode == OP_SCSI_COMMAND ?
				&ahs : NULL, payload, len, owner), 0);
	assert_int_equal(pdu.data_segment_length, len);
	assert_int_equal(pdu.total_ahs_length,
			 opcode == OP_SCSI_COMMAND ? 5 : 0);
}

static void
add_variety(struct tx *tx)
{
	struct pdu ping = { .opcode = OP_NOP_OUT };

	add(tx, OP_SCSI_COMMAND, 5, &owner_a);
	add(tx, OP_DATA_OUT, 64, &owner_a);
	add(tx, OP_SCSI_COMMAND, 0, &owner_b);
	assert_int_equal(tx_add_copy(tx, &ping, "abc", 3), 0);
	add(tx, OP_DATA_OUT, 1, &owner_b);
	add(tx, OP_LOGOUT_REQUEST, 0, NULL);
	assert_int_equal(tx_add_copy(tx, &ping, NULL, 0), 0);
}

/* The bytes of a SCSI Command with everything, by hand.
 * shows: 7143-11.1-01 7143-11.1-02 7143-11.2.1.5-01 7143-11.2.3-01 */
static void
test_layout(void **state)
{
	struct tx *tx = new_tx(true, true);
	struct wire w = { 0 };
	uint8_t want[48 + 20 + 4 + 8 + 4] = { OP_SCSI_COMMAND, [4] = 5, [7] = 5,
		[19] = 7, [48] = 0, 17, 1, 0, 0xab, [67] = 0xcd };

	digest_put(digest_update(DIGEST_SEED, want, 68), want + 68);
	memcpy(want + 72, payload, 5);
	digest_put(digest_update(DIGEST_SEED, want + 72, 8), want + 80);
	add(tx, OP_SCSI_COMMAND, 5, NULL);
	assert_int_equal(tx_queued(tx), sizeof(want));
	assert_int_equal(tx_pdus(tx), 1);
	send_all(tx, &w, IOV_MAX_TEST, SIZE_MAX);
	assert_int_equal(w.len, sizeof(want));
	assert_memory_equal(w.bytes, want, sizeof(want));
	tx_free(tx);
}

static void
test_each_partial_ack(void **state)
{
	for (unsigned int d = 0; d < 4; d++) {
		static struct wire whole, w;
		struct tx *tx = new_tx(d & 1, d & 2);

		whole.len = 0;
		add_variety(tx);
		size_t queued = tx_queued(tx);
		send_all(tx, &whole, IOV_MAX_TEST, SIZE_MAX);
		assert_int_equal(whole.len, queued);
		for (int iov = 1; iov <= IOV_MAX_TEST; iov++) {
			for (size_t first = 0; first <= whole.len; first++) {
				w.len = 0;
				add_variety(tx);
				while (w.len < first)
					assert_true(send_once(tx, &w, iov,
							      first - w.len) > 0);
				send_all(tx, &w, iov, SIZE_MAX);
				assert_int_equal(w.len, whole.len);
				assert_memory_equal(w.bytes, whole.bytes, w.len);
			}
		}
		for (size_t step = 1; step < 200; step++) {
			w.len = 0;
			add_variety(tx);
			send_all(tx, &w, IOV_MAX_TEST, step);
			assert_int_equal(w.len, whole.len);
			assert_memory_equal(w.bytes, whole.bytes, w.len);
		}
		tx_free(tx);
	}
}

struct sink {
	size_t pdus, bytes;
	uint8_t opcodes[256];
	bool had_ahs;
};

static int
on_header(void *user, const struct pdu *pdu, const struct ahs *a, void **place)
{
	struct sink *k = user;

	k->had_ahs = a && a->extended_cdb_len == 16 &&
		     memcmp(a->extended_cdb, ahs.extended_cdb, 16) == 0;
	return 0;
}

static int
on_pdu(void *user, const struct pdu *pdu, const uint8_t *data, bool digest_ok)
{
	struct sink *k = user;
	bool ping = pdu->opcode == OP_NOP_OUT;

	assert_true(digest_ok);
	assert_int_equal(k->had_ahs, pdu->opcode == OP_SCSI_COMMAND);
	if (!ping)
		assert_int_equal(pdu->initiator_task_tag, 7);
	assert_memory_equal(data, ping ? (const void *)"abc" : payload,
			    pdu->data_segment_length);
	k->opcodes[k->pdus++] = pdu->opcode;
	k->bytes += pdu->data_segment_length;
	return 0;
}

static void
receive(struct sink *k, const struct wire *w, bool header, bool data)
{
	static const struct rx_ops ops = { on_header, on_pdu };
	struct rx *rx;
	size_t done = 0;

	*k = (struct sink){ 0 };
	assert_int_equal(rx_new(&rx, &ops, k, 8192, NULL), 0);
	rx_set_digests(rx, header, data);
	while (done < w->len) {
		struct iovec iov[2];
		int n = rx_iov(rx, iov);
		size_t len = w->len - done < iov[0].iov_len ?
			     w->len - done : iov[0].iov_len;

		assert_in_range(n, 1, 2);
		memcpy(iov[0].iov_base, w->bytes + done, len);
		done += len;
		assert_int_equal(rx_ack(rx, len), 0);
	}
	rx_free(rx);
}

/* What is sent is what a receiver gets.
 * shows: 7143-13.1-01 */
static void
test_receiver_agrees(void **state)
{
	static const uint8_t want[] = {
		OP_SCSI_COMMAND, OP_DATA_OUT, OP_SCSI_COMMAND, OP_NOP_OUT,
		OP_DATA_OUT, OP_LOGOUT_REQUEST, OP_NOP_OUT,
	};

	for (unsigned int d = 0; d < 4; d++) {
		struct tx *tx = new_tx(d & 1, d & 2);
		static struct wire w;
		struct sink k;

		w.len = 0;
		add_variety(tx);
		send_all(tx, &w, IOV_MAX_TEST, SIZE_MAX);
		receive(&k, &w, d & 1, d & 2);
		assert_int_equal(k.pdus, sizeof(want));
		assert_memory_equal(k.opcodes, want, sizeof(want));
		assert_int_equal(k.bytes, 5 + 64 + 3 + 1);
		tx_free(tx);
	}
}

/* The ring grows while it is wrapped, with a PDU partly sent. */
static void
test_growth(void **state)
{
	struct tx *tx = new_tx(true, true);
	static struct wire w;
	struct sink k;
	size_t added = 0;

	w.len = 0;
	for (unsigned int round = 0; round < 12; round++) {
		for (unsigned int i = 0; i < 11; i++, added++)
			add(tx, OP_TEXT_REQUEST, added % 5, NULL);
		send_once(tx, &w, IOV_MAX_TEST, 301);
	}
	assert_true(tx_pdus(tx) > 64);
	send_all(tx, &w, IOV_MAX_TEST, SIZE_MAX);

	receive(&k, &w, true, true);
	assert_int_equal(k.pdus, added);
	/* 0, 1, 2, 3, 4, 0, 1 ...: added is 2 modulo 5 */
	assert_int_equal(added % 5, 2);
	assert_int_equal(k.bytes, added / 5 * 10 + 1);
	tx_free(tx);
}

/*
 * An owner goes away when any number of bytes was sent: Data-Out that has not
 * begun does not leave, all else does, from copies.
 */
static void
test_drop(void **state)
{
	size_t command = BHS_LEN + 20 + DIGEST_LEN + 8 + DIGEST_LEN;
	size_t out_a = BHS_LEN + DIGEST_LEN + 64 + DIGEST_LEN;
	struct tx *tx = new_tx(true, true);

	for (size_t sent = 0; sent < command + out_a; sent++) {
		static struct wire w;
		struct sink k;
		uint8_t *data = malloc(64);
		struct pdu cmd = { .opcode = OP_SCSI_COMMAND,
				   .initiator_task_tag = 7 };
		struct pdu out = { .opcode = OP_DATA_OUT,
				   .initiator_task_tag = 7 };

		w.len = 0;
		memcpy(data, payload, 64);
		assert_int_equal(tx_add(tx, &cmd, &ahs, data, 5, &owner_a), 0);
		assert_int_equal(tx_add(tx, &out, NULL, data, 64, &owner_a), 0);
		add(tx, OP_DATA_OUT, 1, &owner_b);
		while (w.len < sent)
			send_once(tx, &w, 3, sent - w.len);
		assert_true(tx_borrows(tx, &owner_a));
		assert_int_equal(tx_drop(tx, &owner_a), 0);
		free(data);
		assert_false(tx_borrows(tx, &owner_a));
		assert_true(tx_borrows(tx, &owner_b));
		send_all(tx, &w, 3, SIZE_MAX);
		assert_false(tx_borrows(tx, &owner_b));

		receive(&k, &w, true, true);
		assert_int_equal(k.pdus, sent > command ? 3 : 2);
		assert_int_equal(k.opcodes[0], OP_SCSI_COMMAND);
		assert_int_equal(k.bytes, sent > command ? 70 : 6);
	}
	tx_free(tx);
}

/* A PDU has left when its last byte has, or when it was dropped. */
static void
test_which_have_left(void **state)
{
	struct tx *tx = new_tx(false, false);
	static struct wire w;
	uint64_t first = tx_next(tx);

	assert_int_equal(first, 1);
	add(tx, OP_DATA_OUT, 4, &owner_a);
	add(tx, OP_DATA_OUT, 4, &owner_b);
	assert_int_equal(tx_next(tx), first + 2);
	send_once(tx, &w, 3, BHS_LEN + 3);
	assert_false(tx_has_left(tx, first));
	send_once(tx, &w, 3, 1);
	assert_true(tx_has_left(tx, first));
	assert_false(tx_has_left(tx, first + 1));
	assert_int_equal(tx_drop(tx, &owner_b), 0);
	assert_true(tx_has_left(tx, first + 1));
	add(tx, OP_DATA_OUT, 4, &owner_a);
	assert_true(tx_has_left(tx, first + 1));
	assert_false(tx_has_left(tx, first + 2));
	tx_free(tx);
}

/* A sender that goes away with things queued leaks nothing. */
static void
test_free_queued(void **state)
{
	struct tx *tx = new_tx(false, false);

	add_variety(tx);
	assert_int_equal(tx_drop(tx, &owner_a), 0);
	assert_null(tx_free(tx));
	assert_null(tx_free(NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_each_partial_ack),
		cmocka_unit_test(test_receiver_agrees),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_which_have_left),
		cmocka_unit_test(test_free_queued),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
