/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The operational parameters of a session and of a connection, spelled like
 * their keys (RFC 7143 13). Three copies of this record meet in a login: what
 * we want (the offer), what is in force, and, while it lasts, the outcome of
 * the negotiation, which takes effect only when it concludes (6.2).
 */
#ifndef TEXT_PARAMS_H
#define TEXT_PARAMS_H

#include <stdbool.h>
#include <stdint.h>

enum { LIST_MAX = 4 };			/* values we offer in one list */

enum digest { DIGEST_NONE, DIGEST_CRC32C };

enum task_reporting {			/* 13.23, in this order in our offer */
	REPORT_RFC3720, REPORT_RESPONSE_FENCE, REPORT_FAST_ABORT,
};

/* What is in force. */
struct params {
	/* connection */
	uint8_t HeaderDigest, DataDigest;	/* enum digest */
	uint32_t MaxRecvDataSegmentLength;	/* ours: what we declared */
	uint32_t TargetMaxRecvDataSegmentLength;	/* what it declared */

	/* session */
	uint32_t MaxConnections;
	bool InitialR2T, ImmediateData;
	uint32_t MaxBurstLength, FirstBurstLength;
	uint32_t DefaultTime2Wait, DefaultTime2Retain;	/* seconds */
	uint32_t MaxOutstandingR2T;
	bool DataPDUInOrder, DataSequenceInOrder;
	uint32_t ErrorRecoveryLevel;
	uint8_t TaskReporting;			/* enum task_reporting */
	uint32_t iSCSIProtocolLevel;
};

/* What we offer: the values above, and for lists the choices by preference. */
struct offer {
	struct params values;
	struct digest_list {
		uint8_t n, item[LIST_MAX];
	} HeaderDigest, DataDigest;
	struct {
		uint8_t n, item[LIST_MAX];
	} TaskReporting;
};

/* The defaults of RFC 7143 13, in force when nothing was negotiated. */
void params_default(struct params *p);

/*
 * What lunfs offers when the user asks for nothing else: digests "None,CRC32C"
 * as it stands in the design, segments large enough not to be the bottleneck,
 * InitialR2T=No, ImmediateData=Yes, level 0, one connection, protocol level 1.
 */
void offer_default(struct offer *o);

/*
 * Sets one key of an offer from text, as a user writes it: the RFC name, the
 * value as on the wire, numbers also with k, M, G (powers of 1024), lists
 * with commas. LUN_EINVAL names the key, the value and the range. Keys that
 * a user has no business to set (InitiatorName, AuthMethod ...) are refused.
 */
struct lun_error;
int offer_set(struct offer *o, const char *key, const char *value,
	      struct lun_error *err);

/*
 * Calls f once for each parameter in force, with its RFC name: for JSON and
 * tables. Numbers come with text NULL, lists and booleans as text.
 */
void params_each(const struct params *p,
		 void (*f)(void *user, const char *key, const char *text,
			   uint32_t number),
		 void *user);

#endif
