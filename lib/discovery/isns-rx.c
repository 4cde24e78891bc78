/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iSNS messages out of a stream of PDUs, and heartbeats.
 *
 * A message that is one PDU is handed out from where that came in, so that one
 * which is put together meanwhile keeps its pieces.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/str.h"
#include "discovery/isns-pdu.h"

static uint16_t
flags(const struct isns_rx *rx)
{
	return get16(rx->header + 6);
}

static size_t
pdu_len(const struct isns_rx *rx)
{
	return get16(rx->header + 4);
}

static int
check_header(const uint8_t *h, struct lun_error *err)
{
	uint16_t version = get16(h), len = get16(h + 4);

	if (version != ISNS_VERSION)	/* RFC 4171 5.1.1 */
		return lun_fail(err, LUN_EPROTO, "version %u, not %d", version,
				ISNS_VERSION);
	if (len % 4 != 0)		/* RFC 4171 5.1.3 */
		return lun_fail(err, LUN_EPROTO, "PDU of %u bytes: not a "
				"multiple of four", len);
	return 0;
}

/* RFC 4171 5.5: descriptor and length of an authentication block. */
static int
check_auth(const uint8_t *auth, struct lun_error *err)
{
	uint32_t len = get32(auth + 4);

	if (len < ISNS_AUTH_MIN || len > ISNS_AUTH_MAX)
		return lun_fail(err, LUN_EPROTO, "authentication block of %"
				PRIu32 " bytes", len);
	return 0;
}

/* Room for len bytes. */
static int
reserve(uint8_t **p, size_t *size, size_t len, struct lun_error *err)
{
	if (len <= *size)
		return 0;

	size_t more = len < 2 * *size ? 2 * *size : len;
	uint8_t *new = realloc(*p, more);

	if (!new)
		return lun_fail(err, LUN_ENOMEM, "message: out of memory");
	*p = new;
	*size = more;
	return 0;
}

void
isns_rx_init(struct isns_rx *rx, size_t max)
{
	*rx = (struct isns_rx){ .max = max };
}

void
isns_rx_deinit(struct isns_rx *rx)
{
	free(rx->pdu);
	free(rx->message);
	isns_rx_init(rx, rx->max);
}

/* A piece of a message (RFC 4171 5.2). */
static int
add_piece(struct isns_rx *rx, struct lun_error *err)
{
	const uint8_t *h = rx->header;
	uint16_t function = get16(h + 2), transaction = get16(h + 8);
	uint16_t sequence = get16(h + 10);
	size_t len = pdu_len(rx);

	if (flags(rx) & ISNS_FIRST) {
		if (rx->partial)
			return lun_fail(err, LUN_EPROTO, "a message begins "
					"within another");
		rx->partial = true;
		rx->function = function;
		rx->transaction = transaction;
		rx->sequence = 0;
		rx->len = 0;
	}
	if (!rx->partial)
		return lun_fail(err, LUN_EPROTO, "piece %u of a message "
				"without its first", sequence);
	if (function != rx->function || transaction != rx->transaction)
		return lun_fail(err, LUN_EPROTO, "piece of another message "
				"(function 0x%04x, transaction %u)", function,
				transaction);
	if (sequence != rx->sequence)
		return lun_fail(err, LUN_EPROTO, "piece %u of a message where "
				"%u is due", sequence, rx->sequence);
	if (len > rx->max - rx->len || rx->sequence == UINT16_MAX)
		return lun_fail(err, LUN_EPROTO, "message of more than %zu "
				"bytes in %u pieces", rx->max,
				rx->sequence + 1);

	int r = reserve(&rx->message, &rx->size, rx->len + len, err);

	if (r < 0)
		return r;
	if (len > 0)
		memcpy(rx->message + rx->len, rx->pdu, len);
	rx->len += len;
	rx->sequence++;
	return 0;
}

/* A PDU is there. */
static int
end_pdu(struct isns_rx *rx, struct isns_message *m, struct lun_error *err)
{
	bool whole = (~flags(rx) & (ISNS_FIRST | ISNS_LAST)) == 0;

	rx->part = ISNS_PART_HEADER;
	rx->have = 0;
	*m = (struct isns_message){ get16(rx->header + 2),
				    get16(rx->header + 8), rx->pdu,
				    pdu_len(rx) };
	if (whole && get16(rx->header + 10) != 0)
		return lun_fail(err, LUN_EPROTO, "the only piece of a message "
				"is number %u", get16(rx->header + 10));
	if (whole && m->len > rx->max)
		return lun_fail(err, LUN_EPROTO, "message of more than %zu "
				"bytes", rx->max);
	if (whole)
		return ISNS_RX_MESSAGE;

	int r = add_piece(rx, err);

	if (r < 0 || !(flags(rx) & ISNS_LAST))
		return r;
	rx->partial = false;
	m->payload = rx->message;
	m->len = rx->len;
	return ISNS_RX_MESSAGE;
}

/* Where the bytes of this part belong, NULL if they are skipped; *len of them. */
static uint8_t *
part(struct isns_rx *rx, size_t *len)
{
	switch (rx->part) {
	case ISNS_PART_HEADER:
		*len = ISNS_HEADER_LEN;
		return rx->header;
	case ISNS_PART_PAYLOAD:
		*len = pdu_len(rx);
		return rx->pdu;
	case ISNS_PART_AUTH:
		*len = sizeof(rx->auth);
		return rx->auth;
	case ISNS_PART_AUTH_REST:
		*len = rx->want;
		return NULL;
	}
	abort();
}

static void
enter(struct isns_rx *rx, enum isns_part next)
{
	rx->part = next;
	rx->have = 0;
}

/* A part is complete; the next one may be empty. */
static int
advance(struct isns_rx *rx, struct isns_message *m, struct lun_error *err)
{
	int r;

	switch (rx->part) {
	case ISNS_PART_HEADER:
		r = check_header(rx->header, err);
		if (r == 0)
			r = reserve(&rx->pdu, &rx->pdu_size, pdu_len(rx), err);
		enter(rx, ISNS_PART_PAYLOAD);
		return r;
	case ISNS_PART_PAYLOAD:
		if (!(flags(rx) & ISNS_AUTH))
			return end_pdu(rx, m, err);
		enter(rx, ISNS_PART_AUTH);
		return 0;
	case ISNS_PART_AUTH:
		r = check_auth(rx->auth, err);
		if (r == 0)
			rx->want = get32(rx->auth + 4) - sizeof(rx->auth);
		enter(rx, ISNS_PART_AUTH_REST);
		return r;
	case ISNS_PART_AUTH_REST:
		/* Of a unicast message it says nothing: RFC 4171 5.5 has
		 * IPsec protect those. */
		return end_pdu(rx, m, err);
	}
	abort();
}

int
isns_rx_feed(struct isns_rx *rx, const uint8_t **data, size_t *len,
	     struct isns_message *m, struct lun_error *err)
{
	for (;;) {
		size_t want, n;
		uint8_t *to = part(rx, &want);
		int r;

		n = want - rx->have < *len ? want - rx->have : *len;
		if (to && n > 0)
			memcpy(to + rx->have, *data, n);
		*data += n;
		*len -= n;
		rx->have += n;
		if (rx->have < want)
			return 0;
		r = advance(rx, m, err);
		if (r != 0)
			return r;
	}
}

/* ---------------------------------------------------------- heartbeat -- */

enum { HEARTBEAT_LEN = 32, SERVER_LEN = 20 };

static void
take_server(struct isns_server *s, const uint8_t *p)
{
	portal_print_host16(p, s->address);
	s->tcp_port = get16(p + 16);
	s->udp_port = get16(p + 18);
}

/* RFC 4171 5.5: structure, length, time (8 bytes), SPI, signature. */
static int
read_auth(struct isns_heartbeat *h, const uint8_t *p, size_t len,
	  struct lun_error *err)
{
	struct str spi = STR_INIT(sizeof(h->auth_spi) - 1);

	if (len < ISNS_AUTH_MIN || get32(p + 4) != len)
		return lun_fail(err, LUN_EPROTO, "authentication block of %"
				PRIu32 " bytes in %zu", len < 8 ? 0 :
				get32(p + 4), len);
	if (get32(p + 16) > len - ISNS_AUTH_MIN)
		return lun_fail(err, LUN_EPROTO, "authentication block: SPI of "
				"%" PRIu32 " bytes in %zu", get32(p + 16), len);
	h->has_auth = true;
	h->auth_structure = get32(p);
	str_quote(&spi, p + ISNS_AUTH_MIN, get32(p + 16));
	strcpy(h->auth_spi, str_text(&spi));
	str_deinit(&spi);
	return 0;
}

int
isns_heartbeat_parse(struct isns_heartbeat *out, const uint8_t *data,
		     size_t len, struct lun_error *err)
{
	struct isns_heartbeat h = { 0 };
	const uint8_t *p = data + ISNS_HEADER_LEN;
	int r;

	if (len < ISNS_HEADER_LEN)
		return lun_fail(err, LUN_EPROTO, "heartbeat of %zu bytes", len);
	r = check_header(data, err);
	if (r < 0)
		return r;

	size_t payload = get16(data + 4), rest = len - ISNS_HEADER_LEN;

	if (get16(data + 2) != ISNS_HEARTBEAT)
		return lun_fail(err, LUN_EPROTO, "function 0x%04x is no "
				"heartbeat", get16(data + 2));
	if (payload < HEARTBEAT_LEN || payload > rest)
		return lun_fail(err, LUN_EPROTO, "heartbeat of %zu bytes in a "
				"datagram of %zu", payload, len);
	rest -= payload;
	if (get16(data + 6) & ISNS_AUTH) {
		r = read_auth(&h, p + payload, rest, err);
		if (r < 0)
			return r;
	} else if (rest != 0)		/* RFC 4171 2.9.2: exactly one PDU */
		return lun_fail(err, LUN_EPROTO, "heartbeat: %zu bytes after "
				"its end", rest);

	take_server(&h.active, p);
	h.interval = get32(p + 20);
	h.counter = get32(p + 24);
	h.n_backups = get16(p + 30);
	if (h.n_backups > (payload - HEARTBEAT_LEN) / SERVER_LEN)
		return lun_fail(err, LUN_EPROTO, "heartbeat: %zu backup "
				"servers in %zu bytes", h.n_backups, payload);
	if (h.n_backups > ISNS_BACKUPS_MAX)
		h.n_backups = ISNS_BACKUPS_MAX;
	for (size_t i = 0; i < h.n_backups; i++)
		take_server(&h.backups[i], p + HEARTBEAT_LEN + i * SERVER_LEN);
	*out = h;
	return 0;
}
