/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The messages of the Service Location Protocol, version 2 (RFC 2608), as a
 * user agent sends and takes them. No state, no I/O.
 *
 * Everything that is read points into the message.
 */
#ifndef DISCOVERY_SLP_MSG_H
#define DISCOVERY_SLP_MSG_H

#include <stdint.h>

#include "discovery/slp-text.h"
#include "lun.h"

enum {
	SLP_DATAGRAM_MAX	= 1400,		/* of what we send, 6.1 */
	SLP_MESSAGE_MAX		= 4 << 20,	/* of what we take over TCP */
	SLP_HEADER_MIN		= 14,		/* language tag excluded */
	SLP_PREFIX		= 5,		/* as far as Length: slp_length() */
};

#define SLP_GROUP_IPV4		"239.255.255.253"	/* 6.1 */

#define SLP_LANGUAGE		"en"		/* RFC 4018 5.1 */
#define SLP_TYPE_TARGET		"service:iscsi:target"
#define SLP_TYPE_SMS		"service:iscsi:sms"
#define SLP_TYPE_DA		"service:directory-agent"
#define SLP_TYPE_SA		"service:service-agent"

/* RFC 2608 8 */
enum slp_function {
	SLP_SRV_RQST	= 1,
	SLP_SRV_RPLY	= 2,
	SLP_ATTR_RQST	= 6,
	SLP_ATTR_RPLY	= 7,
	SLP_DA_ADVERT	= 8,
	SLP_SA_ADVERT	= 11,
};

enum {
	SLP_OVERFLOW	= 0x8000,
	SLP_FRESH	= 0x4000,
	SLP_MCAST	= 0x2000,
};

/* RFC 2608 7 */
enum slp_error {
	SLP_LANGUAGE_NOT_SUPPORTED	= 1,
	SLP_PARSE_ERROR			= 2,
	SLP_INVALID_REGISTRATION	= 3,
	SLP_SCOPE_NOT_SUPPORTED		= 4,
	SLP_AUTHENTICATION_UNKNOWN	= 5,
	SLP_AUTHENTICATION_ABSENT	= 6,
	SLP_AUTHENTICATION_FAILED	= 7,
	SLP_VER_NOT_SUPPORTED		= 9,
	SLP_INTERNAL_ERROR		= 10,
	SLP_DA_BUSY_NOW			= 11,
	SLP_OPTION_NOT_UNDERSTOOD	= 12,
	SLP_INVALID_UPDATE		= 13,
	SLP_MSG_NOT_SUPPORTED		= 14,
	SLP_REFRESH_REJECTED		= 15,
};

/* "SCOPE_NOT_SUPPORTED"; "unknown error" if there is no such code. */
const char *slp_error_name(uint16_t code);

/* ------------------------------------------------------------ requests -- */

/* A SrvRqst or an AttrRqst, which have the same form. */
struct slp_request {
	enum slp_function function;
	bool multicast;
	uint16_t xid;
	const char *responders;		/* previous ones; "" in unicast */
	const char *subject;		/* service type, or URL */
	const char *scopes;		/* list, escaped */
	const char *what;		/* predicate, or list of tags */
};

/* Writes it. Its length, or 0 if it is longer than size. */
size_t slp_request_write(uint8_t *buf, size_t size,
			 const struct slp_request *rq);

/* ------------------------------------------------------------- answers -- */

struct slp_message {
	enum slp_function function;
	uint16_t xid;
	bool overflow;			/* there is more over TCP */
	uint16_t error;			/* not 0: nothing below is there */
	/* SrvRply: URL entries, to be read with slp_next_url() */
	struct slp_text entries;
	/* AttrRply, DAAdvert, SAAdvert */
	struct slp_text attributes;
	/* DAAdvert, SAAdvert */
	struct slp_text url, scopes;
	/* DAAdvert: seconds since 1970; 0: it is going down */
	uint32_t boot_time;
};

struct slp_url_entry {
	uint16_t lifetime;		/* seconds */
	struct slp_text url;
};

/*
 * How long the message that begins with these SLP_PREFIX bytes is. LUN_EPROTO
 * if it is none of version 2, or less than a header or more than
 * SLP_MESSAGE_MAX.
 */
int slp_length(const uint8_t prefix[SLP_PREFIX], size_t *len,
	       struct lun_error *err);

/*
 * Reads an answer: a whole datagram, or as much as slp_length() said. 0;
 * SLP_NOT_FOR_US: it is of no kind that we take, or not in our language, or
 * has an extension that we had to know (RFC 2608 9.1); LUN_EPROTO. If it
 * overflowed, it may end anywhere, and what is whole is there.
 */
enum { SLP_NOT_FOR_US = 1 };
int slp_read(struct slp_message *m, const void *p, size_t len,
	     struct lun_error *err);

/* The next URL entry, of which there are as many as were whole; *pos is 0 at
 * first. Authentication blocks are passed over. */
bool slp_next_url(const struct slp_message *m, size_t *pos,
		  struct slp_url_entry *entry);

/*
 * The group of a service type in IPv6 (RFC 3111 4.1), of which scope is the
 * reach: 2 for link-local, 5 for site-local. FF0s::123 for directory agents,
 * for the others one of FF0s::1:1000 to 13FF.
 */
void slp_group_ipv6(uint8_t group[16], uint8_t scope, const char *type);

#endif
