/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tap.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "checker.h"
#include "wire/rx.h"

struct tap {
	unsigned link, portal;
	struct direction {
		struct tap *tap;
		enum side from;
		struct rx *rx;		/* NULL: it cannot be read any more */
		uint32_t max_recv;	/* as said by this side */
		uint32_t declared;	/* the same, from when it is answered */
	} dir[2];
	uint32_t keys[TAP_KEYS];
	bool full_feature;
	struct checked checked;
};

static const struct key {
	const char *name;
	uint32_t first;			/* RFC 7143 13: the default */
} keys[TAP_KEYS] = {
	[KEY_FIRST_BURST]	= { "FirstBurstLength", 65536 },
	[KEY_MAX_BURST]		= { "MaxBurstLength", 262144 },
	[KEY_MAX_R2T]		= { "MaxOutstandingR2T", 1 },
	[KEY_MAX_RECV]		= { "MaxRecvDataSegmentLength", 8192 },
	[KEY_INITIAL_R2T]	= { "InitialR2T", 1 },
	[KEY_IMMEDIATE_DATA]	= { "ImmediateData", 1 },
	[KEY_HEADER_DIGEST]	= { "HeaderDigest", 0 },
	[KEY_DATA_DIGEST]	= { "DataDigest", 0 },
	[KEY_ERL]		= { "ErrorRecoveryLevel", 0 },
	[KEY_FAST_ABORT]	= { "TaskReporting", 0 },
	[KEY_GROUP]		= { "TargetPortalGroupTag", 0 },
};

static uint32_t
value_of(const char *text)
{
	static const char *const yes[] = { "Yes", "CRC32C", "FastAbort" };

	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
		if (strcmp(text, yes[i]) == 0)
			return 1;
	return (uint32_t)strtoul(text, NULL, 0);
}

static void
read_keys(struct direction *d, const char *text, size_t len)
{
	const char *end = text + len;

	for (const char *next; text < end; text = next) {
		size_t n = strnlen(text, (size_t)(end - text));
		const char *eq = memchr(text, '=', n);

		next = text + n + 1;
		for (int k = 0; eq && next <= end && k < TAP_KEYS; k++) {
			if (strlen(keys[k].name) != (size_t)(eq - text) ||
			    memcmp(keys[k].name, text, (size_t)(eq - text)) != 0)
				continue;
			if (k == KEY_MAX_RECV)
				d->declared = value_of(eq + 1);
			else
				d->tap->keys[k] = value_of(eq + 1);
		}
	}
}

static int
header(void *user, const struct pdu *pdu, const struct ahs *ahs, void **place)
{
	return 0;
}

static void
use_digests(struct tap *t)
{
	t->full_feature = true;
	for (int s = 0; s < 2; s++)
		if (t->dir[s].rx)
			rx_set_digests(t->dir[s].rx,
				       t->keys[KEY_HEADER_DIGEST],
				       t->keys[KEY_DATA_DIGEST]);
}

static int
passed(void *user, const struct pdu *pdu, const uint8_t *data, bool digest_ok)
{
	struct direction *d = user;
	struct tap *t = d->tap;
	bool login = pdu->opcode == OP_LOGIN_REQUEST ||
	    pdu->opcode == OP_LOGIN_RESPONSE;
	bool text = pdu->opcode == OP_TEXT_REQUEST ||
	    pdu->opcode == OP_TEXT_RESPONSE;

	if ((login || text) && pdu->data_segment_length)
		read_keys(d, (const char *)data, pdu->data_segment_length);
	for (int s = 0; s < 2 && (login || pdu->opcode == OP_TEXT_RESPONSE); s++)
		t->dir[s].max_recv = t->dir[s].declared;
	if (digest_ok)
		checker_pdu(t, d->from, pdu, data);
	if (pdu->opcode == OP_LOGIN_RESPONSE && pdu->final &&
	    pdu->nsg == STAGE_FULL_FEATURE && pdu->status_class == 0)
		use_digests(t);
	return 0;
}

void
tap_bytes(struct tap *t, enum side from, const void *p, size_t n)
{
	struct direction *d = &t->dir[from];
	const uint8_t *bytes = p;

	alloc_ours(true);
	while (n > 0 && d->rx) {
		struct iovec iov[2];
		int count = rx_iov(d->rx, iov);
		size_t sum = 0;

		for (int i = 0; i < count && n > 0; i++) {
			size_t take = iov[i].iov_len < n ? iov[i].iov_len : n;

			memcpy(iov[i].iov_base, bytes, take);
			bytes += take;
			n -= take;
			sum += take;
		}
		if (rx_ack(d->rx, sum) < 0) {	/* nothing more is read */
			if (from == INITIATOR)
				broken("link %u: no PDUs are sent", t->link);
			d->rx = rx_free(d->rx);
			checker_lossy(t);
		}
	}
	alloc_ours(false);
}

bool
tap_has_digests(const struct tap *t)
{
	return t->full_feature && t->keys[KEY_HEADER_DIGEST] &&
	       t->keys[KEY_DATA_DIGEST];
}

unsigned
tap_link(const struct tap *t)
{
	return t->link;
}

unsigned
tap_portal(const struct tap *t)
{
	return t->portal;
}

uint32_t
tap_key(const struct tap *t, enum side of, int key)
{
	return key == KEY_MAX_RECV ? t->dir[of].max_recv : t->keys[key];
}

void
tap_take_keys(struct tap *t, const uint32_t from[TAP_KEYS])
{
	for (int k = 0; k < TAP_KEYS; k++)
		if (k != KEY_HEADER_DIGEST && k != KEY_DATA_DIGEST &&
		    k != KEY_GROUP)
			t->keys[k] = from[k];
}

const uint32_t *
tap_keys(const struct tap *t)
{
	return t->keys;
}

struct checked *
tap_checked(struct tap *t)
{
	return &t->checked;
}

struct tap *
tap_new(unsigned link, unsigned portal, unsigned group)
{
	static const struct rx_ops ops = { header, passed };
	struct tap *t = sim_alloc(sizeof(*t));

	*t = (struct tap){ .link = link, .portal = portal };
	for (int k = 0; k < TAP_KEYS; k++)
		t->keys[k] = keys[k].first;
	t->keys[KEY_GROUP] = group;
	alloc_ours(true);
	for (int s = 0; s < 2; s++) {
		struct direction *d = &t->dir[s];

		*d = (struct direction){ t, s, NULL, 8192, 8192 };
		if (rx_new(&d->rx, &ops, d, DATA_SEGMENT_MAX, NULL) < 0)
			abort();
	}
	alloc_ours(false);
	return t;
}

struct tap *
tap_free(struct tap *t)
{
	if (!t)
		return NULL;
	alloc_ours(true);
	checker_gone(t);
	rx_free(t->dir[INITIATOR].rx);
	rx_free(t->dir[TARGET].rx);
	alloc_ours(false);
	sim_free(t);
	return NULL;
}
