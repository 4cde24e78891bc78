/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The wire format of iSNS (RFC 4171 5 and 6): messages, which are cut into
 * PDUs, and the attributes in them. No I/O.
 *
 *	message		function id, transaction id, payload
 *	PDU		12 bytes of header, a piece of the payload; an
 *			authentication block may follow
 *	payload		of a response: a status; then attributes
 *	attribute	tag, length, value padded to a multiple of four
 */
#ifndef DISCOVERY_ISNS_PDU_H
#define DISCOVERY_ISNS_PDU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "lun.h"
#include "names/portal.h"

enum {
	ISNS_VERSION	= 1,
	ISNS_HEADER_LEN	= 12,
	ISNS_MESSAGE_MAX = 16 << 20,	/* bytes of payload that we take */
	ISNS_AUTH_MIN	= 20,		/* an authentication block, RFC 4171 5.5 */
	ISNS_AUTH_MAX	= 4096,
	ISNS_ADDRESS_LEN = 16,
};

enum isns_flag {			/* RFC 4171 5.1.4 */
	ISNS_CLIENT	= 0x8000,
	ISNS_SERVER	= 0x4000,
	ISNS_AUTH	= 0x2000,
	ISNS_REPLACE	= 0x1000,
	ISNS_LAST	= 0x0800,
	ISNS_FIRST	= 0x0400,
};

enum isns_function {			/* RFC 4171 4.1.3 */
	ISNS_DEV_ATTR_REG	= 0x0001,
	ISNS_DEV_ATTR_QRY	= 0x0002,
	ISNS_DEV_GET_NEXT	= 0x0003,
	ISNS_DEV_DEREG		= 0x0004,
	ISNS_SCN_REG		= 0x0005,
	ISNS_SCN_DEREG		= 0x0006,
	ISNS_SCN_EVENT		= 0x0007,
	ISNS_SCN		= 0x0008,
	ISNS_ESI		= 0x000d,
	ISNS_HEARTBEAT		= 0x000e,
	ISNS_RESPONSE		= 0x8000,	/* added to the request's */
};

enum isns_status {			/* RFC 4171 5.4; those that we look at */
	ISNS_OK			= 0,
	ISNS_SOURCE_UNKNOWN	= 6,
	ISNS_SOURCE_ABSENT	= 7,
	ISNS_SOURCE_UNAUTHORIZED = 8,
	ISNS_NO_SUCH_ENTRY	= 9,
	ISNS_VERSION_NOT_SUPPORTED = 10,
	ISNS_INTERNAL_ERROR	= 11,
};

enum isns_tag {				/* RFC 4171 6.1 */
	ISNS_DELIMITER		= 0,
	ISNS_EID		= 1,
	ISNS_ENTITY_PROTOCOL	= 2,
	ISNS_TIMESTAMP		= 4,
	ISNS_REGISTRATION_PERIOD = 6,
	ISNS_PORTAL_ADDRESS	= 16,
	ISNS_PORTAL_PORT	= 17,
	ISNS_ESI_INTERVAL	= 19,
	ISNS_ESI_PORT		= 20,
	ISNS_SCN_PORT		= 23,
	ISNS_NAME		= 32,
	ISNS_NODE_TYPE		= 33,
	ISNS_ALIAS		= 34,
	ISNS_SCN_BITMAP		= 35,
	ISNS_PG_NAME		= 48,
	ISNS_PG_ADDRESS		= 49,
	ISNS_PG_PORT		= 50,
	ISNS_PG_TAG		= 51,
	ISNS_DD_ID		= 2065,
	ISNS_DD_MEMBER		= 2068,		/* by its iSCSI name */
	ISNS_DD_FEATURES	= 2078,
};

enum {
	ISNS_PROTOCOL_ISCSI	= 2,		/* RFC 4171 6.2.2 */
	ISNS_TYPE_TARGET	= 1,		/* RFC 4171 6.4.2 */
	ISNS_TYPE_INITIATOR	= 2,
	ISNS_PORT_UDP		= 0x00010000,	/* RFC 4171 6.3.2 */
	ISNS_BOOT_LIST		= 1,		/* RFC 4171 6.11.2.9 */
	/* RFC 4171 6.4.4 */
	ISNS_SCN_TARGET_AND_SELF = 0x40,
	ISNS_SCN_REMOVED	= 0x10,
	ISNS_SCN_ADDED		= 0x08,
	ISNS_SCN_UPDATED	= 0x04,
};

/* "DevAttrQry"; "0x1234" in buf for those that RFC 4171 does not have. */
const char *isns_function_name(uint16_t function, char buf[16]);

/* "Source Unknown"; "status 99" in buf for those that it does not have. */
const char *isns_status_name(uint32_t status, char buf[24]);

/* ------------------------------------------------------------ writing -- */

/*
 * A message of one PDU, appended to what out has; attributes follow. When all
 * is there isns_end() fills the length in. at is where it begins.
 */
size_t isns_begin(struct str *out, uint16_t function, uint16_t transaction);
void isns_end(struct str *out, size_t at);

void isns_put32(struct str *out, uint32_t value);	/* a status */
void isns_add(struct str *out, uint32_t tag, const void *value, size_t len);
void isns_add32(struct str *out, uint32_t tag, uint32_t value);
/* With the zero byte at its end; also "". */
void isns_add_text(struct str *out, uint32_t tag, const char *text);

/* ------------------------------------------------------------ reading -- */

struct isns_message {
	uint16_t function, transaction;
	const uint8_t *payload;
	size_t len;
};

/*
 * Puts messages together. Pieces of a message may have whole messages between
 * them (an SCN of the server, say), but not pieces of another.
 */
struct isns_rx {
	uint8_t header[ISNS_HEADER_LEN];
	size_t have;			/* of the part that comes in */
	enum isns_part {
		ISNS_PART_HEADER,
		ISNS_PART_PAYLOAD,
		ISNS_PART_AUTH,		/* its first eight bytes */
		ISNS_PART_AUTH_REST,
	} part;
	size_t want;			/* of ISNS_PART_AUTH_REST */
	uint8_t auth[8];
	uint8_t *pdu;			/* ISNS_PART_PAYLOAD */
	size_t pdu_size;

	size_t max;			/* the largest message */
	uint8_t *message;		/* its pieces so far, or the last one */
	size_t len, size;
	bool partial;
	uint16_t function, transaction, sequence;
};

void isns_rx_init(struct isns_rx *rx, size_t max);
void isns_rx_deinit(struct isns_rx *rx);	/* may be used again */

/*
 * Takes bytes from *data up to the end of the next message at most, and moves
 * *data and *len on. ISNS_RX_MESSAGE: *m is a message, valid until the next
 * call; 0: more bytes are needed. LUN_EPROTO, LUN_ENOMEM: the stream is lost.
 */
enum { ISNS_RX_MESSAGE = 1 };
int isns_rx_feed(struct isns_rx *rx, const uint8_t **data, size_t *len,
		 struct isns_message *m, struct lun_error *err);

struct isns_attr {
	uint32_t tag;
	const uint8_t *value;
	size_t len;
	uint32_t number;		/* of those that are one */
	bool null;			/* it has no value */
};

/*
 * The attribute at *pos, which is moved on. ISNS_ATTR; 0: there are no more.
 * LUN_EPROTO: one runs past the end, or has not the length of its kind.
 */
enum { ISNS_ATTR = 1 };
int isns_attr_next(const struct isns_message *m, size_t *pos,
		   struct isns_attr *a, struct lun_error *err);

/* The bytes of a text, which may have no zero byte at its end. */
size_t isns_text_len(const struct isns_attr *a);

/* ---------------------------------------------------------- heartbeat -- */

enum { ISNS_BACKUPS_MAX = 16, ISNS_SPI_MAX = 64 };

struct isns_server {
	char address[PORTAL_HOST16_MAX];
	uint16_t tcp_port, udp_port;
};

struct isns_heartbeat {			/* RFC 4171 5.6.5.14 */
	struct isns_server active;
	uint32_t interval;		/* seconds */
	uint32_t counter;
	size_t n_backups;
	struct isns_server backups[ISNS_BACKUPS_MAX];
	bool has_auth;
	uint32_t auth_structure;	/* 2: DSA with SHA-1 */
	char auth_spi[ISNS_SPI_MAX];	/* whose key; harmless, cut if long */
};

/* Of a whole datagram: one PDU, with a signature (5.5) or not, which is read but
 * not checked: we have no keys. LUN_EPROTO. */
int isns_heartbeat_parse(struct isns_heartbeat *h, const uint8_t *data,
			 size_t len, struct lun_error *err);

#endif
