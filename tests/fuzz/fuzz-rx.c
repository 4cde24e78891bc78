/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The receiver on any bytes. The input chooses digests, limit, segmentation
 * and which callback fails; what comes out must not depend on segmentation.
 */
#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "wire/digest.h"
#include "wire/rx.h"

enum { MAX_DATA = 20000, OPTIONS = 4 };

struct run {
	uint32_t history;	/* of all that the callbacks saw */
	unsigned int calls, fail_at;
	bool placing;
	uint8_t *place;
};

static int
note(struct run *run, const void *p, size_t len)
{
	run->history = digest_update(run->history, p, len);
	return run->calls++ == run->fail_at ? LUN_ECANCELED : 0;
}

static int
on_header(void *user, const struct pdu *pdu, const struct ahs *ahs,
	  void **place)
{
	struct run *run = user;

	assert(pdu->data_segment_length <= MAX_DATA);
	assert(!ahs || ahs->extended_cdb_len <= sizeof(ahs->extended_cdb));
	if (run->placing && pdu->data_segment_length > 0) {
		/* of exact size: a byte too far is seen */
		free(run->place);
		run->place = malloc(pdu->data_segment_length);
		assert(run->place);
		*place = run->place;
	}
	if (ahs)
		note(run, ahs->extended_cdb, ahs->extended_cdb_len);
	return note(run, &pdu->opcode, 1);
}

static int
on_pdu(void *user, const struct pdu *pdu, const uint8_t *data, bool digest_ok)
{
	uint8_t bhs[BHS_LEN];

	pdu_encode(pdu, bhs);
	note(user, bhs, BHS_LEN);
	note(user, &digest_ok, 1);
	return note(user, data, pdu->data_segment_length);
}

/* step 0: as much at once as the receiver takes. */
static int
feed(struct run *run, const uint8_t *opt, const uint8_t *p, size_t size,
     size_t step)
{
	static const struct rx_ops ops = { on_header, on_pdu };
	struct rx *rx;
	int r = 0;

	*run = (struct run){
		.history = DIGEST_SEED, .fail_at = opt[1] ? opt[1] : ~0u,
		.placing = opt[0] & 4,
	};
	if (rx_new(&rx, &ops, run, MAX_DATA, NULL) < 0)
		abort();
	rx_set_digests(rx, opt[0] & 1, opt[0] & 2);
	while (r == 0 && size > 0) {
		struct iovec iov[2];
		size_t left = step && step < size ? step : size, done = 0;
		int n = rx_iov(rx, iov);

		for (int i = 0; i < n; i++) {
			size_t part = left < iov[i].iov_len ?
				      left : iov[i].iov_len;

			memcpy(iov[i].iov_base, p + done, part);
			done += part;
			left -= part;
		}
		p += done;
		size -= done;
		r = rx_ack(rx, done);
	}
	rx_free(rx);
	free(run->place);
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run whole, pieces;

	if (size < OPTIONS)
		return 0;
	int r = feed(&whole, data, data + OPTIONS, size - OPTIONS, 0);
	int r2 = feed(&pieces, data, data + OPTIONS, size - OPTIONS,
		      1u + data[2]);

	if (r != r2 || whole.history != pieces.history ||
	    whole.calls != pieces.calls)
		abort();
	return 0;
}
