/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See isns-pdu.h: the tables of RFC 4171, and attributes one by one. */
#include "discovery/isns-pdu.h"

#include <arpa/inet.h>
#include <assert.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"

static const struct {			/* RFC 4171 4.1.3 */
	uint16_t id;
	const char *name, *response;
} functions[] = {
	{ ISNS_DEV_ATTR_REG,	"DevAttrReg",	"DevAttrRegRsp" },
	{ ISNS_DEV_ATTR_QRY,	"DevAttrQry",	"DevAttrQryRsp" },
	{ ISNS_DEV_GET_NEXT,	"DevGetNext",	"DevGetNextRsp" },
	{ ISNS_DEV_DEREG,	"DevDereg",	"DevDeregRsp" },
	{ ISNS_SCN_REG,		"SCNReg",	"SCNRegRsp" },
	{ ISNS_SCN_DEREG,	"SCNDereg",	"SCNDeregRsp" },
	{ ISNS_SCN_EVENT,	"SCNEvent",	"SCNEventRsp" },
	{ ISNS_SCN,		"SCN",		"SCNRsp" },
	{ 0x0009,		"DDReg",	"DDRegRsp" },
	{ 0x000a,		"DDDereg",	"DDDeregRsp" },
	{ 0x000b,		"DDSReg",	"DDSRegRsp" },
	{ 0x000c,		"DDSDereg",	"DDSDeregRsp" },
	{ ISNS_ESI,		"ESI",		"ESIRsp" },
	{ ISNS_HEARTBEAT,	"Heartbeat",	"HeartbeatRsp" },
};

static const char *const statuses[] = {	/* RFC 4171 5.4 */
	[0]	= "Successful",
	[1]	= "Unknown Error",
	[2]	= "Message Format Error",
	[3]	= "Invalid Registration",
	[5]	= "Invalid Query",
	[6]	= "Source Unknown",
	[7]	= "Source Absent",
	[8]	= "Source Unauthorized",
	[9]	= "No Such Entry",
	[10]	= "Version Not Supported",
	[11]	= "Internal Error",
	[12]	= "Busy",
	[13]	= "Option Not Understood",
	[14]	= "Invalid Update",
	[15]	= "Message (FUNCTION_ID) Not Supported",
	[16]	= "SCN Event Rejected",
	[17]	= "SCN Registration Rejected",
	[18]	= "Attribute Not Implemented",
	[19]	= "FC_DOMAIN_ID Not Available",
	[20]	= "FC_DOMAIN_ID Not Allocated",
	[21]	= "ESI Not Available",
	[22]	= "Invalid Deregistration",
	[23]	= "Registration Feature Not Supported",
};

/* RFC 4171 6.1: those that we look at. Others are skipped, whatever they have.
 * The length of a text is up to who takes it. */
static const struct {
	uint32_t tag;
	const char *name;
	size_t len;			/* 0: any */
} attributes[] = {
	{ ISNS_DELIMITER,	"delimiter",		0 },
	{ ISNS_EID,		"entity identifier",	0 },
	{ ISNS_ENTITY_PROTOCOL,	"entity protocol",	4 },
	{ ISNS_TIMESTAMP,	"timestamp",		8 },
	{ ISNS_REGISTRATION_PERIOD, "registration period", 4 },
	{ ISNS_PORTAL_ADDRESS,	"portal address",	ISNS_ADDRESS_LEN },
	{ ISNS_PORTAL_PORT,	"portal port",		4 },
	{ ISNS_ESI_INTERVAL,	"ESI interval",		4 },
	{ ISNS_ESI_PORT,	"ESI port",		4 },
	{ ISNS_SCN_PORT,	"SCN port",		4 },
	{ ISNS_NAME,		"iSCSI name",		0 },
	{ ISNS_NODE_TYPE,	"node type",		4 },
	{ ISNS_ALIAS,		"alias",		0 },
	{ ISNS_SCN_BITMAP,	"SCN bitmap",		4 },
	{ ISNS_PG_NAME,		"portal group name",	0 },
	{ ISNS_PG_ADDRESS,	"portal group address",	ISNS_ADDRESS_LEN },
	{ ISNS_PG_PORT,		"portal group port",	4 },
	{ ISNS_PG_TAG,		"portal group tag",	4 },
	{ ISNS_DD_ID,		"discovery domain",	4 },
	{ ISNS_DD_MEMBER,	"member of a domain",	0 },
	{ ISNS_DD_FEATURES,	"features of a domain",	4 },
};

enum {
	N_FUNCTIONS = sizeof(functions) / sizeof(functions[0]),
	N_STATUSES = sizeof(statuses) / sizeof(statuses[0]),
	N_ATTRIBUTES = sizeof(attributes) / sizeof(attributes[0]),
};

const char *
isns_function_name(uint16_t function, char buf[16])
{
	for (size_t i = 0; i < N_FUNCTIONS; i++) {
		if (functions[i].id == function)
			return functions[i].name;
		if ((functions[i].id | ISNS_RESPONSE) == function)
			return functions[i].response;
	}
	snprintf(buf, 16, "0x%04x", function);
	return buf;
}

const char *
isns_status_name(uint32_t status, char buf[24])
{
	if (status < N_STATUSES && statuses[status])
		return statuses[status];
	snprintf(buf, 24, "status %" PRIu32, status);
	return buf;
}

/* ------------------------------------------------------------ writing -- */

size_t
isns_begin(struct str *out, uint16_t function, uint16_t transaction)
{
	uint8_t header[ISNS_HEADER_LEN] = { 0 };
	size_t at = out->len;

	put16(header, ISNS_VERSION);
	put16(header + 2, function);
	/* RFC 4171 5.2: the only PDU is the first and the last one; its sequence
	 * id is 0. Our answers to an SCN or ESI are those of a client, too. */
	put16(header + 6, ISNS_CLIENT | ISNS_FIRST | ISNS_LAST);
	put16(header + 8, transaction);
	str_add_bytes(out, header, sizeof(header));
	return at;
}

void
isns_end(struct str *out, size_t at)
{
	if (out->failed)
		return;

	size_t len = out->len - at - ISNS_HEADER_LEN;

	assert(len % 4 == 0 && len <= UINT16_MAX);
	put16(out->p + at + 4, (uint16_t)len);
}

void
isns_put32(struct str *out, uint32_t value)
{
	uint8_t bytes[4];

	put32(bytes, value);
	str_add_bytes(out, bytes, sizeof(bytes));
}

/* RFC 4171 5.3.1: the padding is counted in the length. */
void
isns_add(struct str *out, uint32_t tag, const void *value, size_t len)
{
	static const uint8_t zeroes[4];

	isns_put32(out, tag);
	isns_put32(out, (uint32_t)(len + pad4(len)));
	str_add_bytes(out, value, len);
	str_add_bytes(out, zeroes, pad4(len));
}

void
isns_add32(struct str *out, uint32_t tag, uint32_t value)
{
	uint8_t bytes[4];

	put32(bytes, value);
	isns_add(out, tag, bytes, sizeof(bytes));
}

void
isns_add_text(struct str *out, uint32_t tag, const char *text)
{
	isns_add(out, tag, text, strlen(text) + 1);
}

/* ------------------------------------------------------------ reading -- */

int
isns_attr_next(const struct isns_message *m, size_t *pos, struct isns_attr *a,
	       struct lun_error *err)
{
	const uint8_t *p = m->payload + *pos;
	size_t left = m->len - *pos;

	if (left == 0)
		return 0;
	if (left < 8)
		return lun_fail(err, LUN_EPROTO, "%zu bytes after the last "
				"attribute", left);

	uint32_t tag = get32(p), len = get32(p + 4);

	if (len > left - 8)
		return lun_fail(err, LUN_EPROTO, "attribute %" PRIu32 ": length "
				"%" PRIu32 " of %zu bytes", tag, len, left - 8);
	if (len % 4 != 0)		/* RFC 4171 5.3.1 */
		return lun_fail(err, LUN_EPROTO, "attribute %" PRIu32 ": length "
				"%" PRIu32 ": not a multiple of four", tag, len);
	for (size_t i = 0; i < N_ATTRIBUTES; i++)
		if (attributes[i].tag == tag && attributes[i].len != 0 &&
		    len != 0 && len != attributes[i].len)
			return lun_fail(err, LUN_EPROTO, "%s: length %" PRIu32
					", not %zu", attributes[i].name, len,
					attributes[i].len);
	*a = (struct isns_attr){
		.tag = tag,
		.value = p + 8,
		.len = len,
		.number = len == 4 ? get32(p + 8) : 0,
		.null = len == 0,
	};
	*pos += 8 + len;
	return ISNS_ATTR;
}

size_t
isns_text_len(const struct isns_attr *a)
{
	return strnlen((const char *)a->value, a->len);
}
