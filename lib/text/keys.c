/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The key table, and the access to the members of struct params through it.
 * Ranges are inclusive.
 */
#include "text/keys.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/pdu.h"

#define AT(member)	offsetof(struct params, member)
#define CHOICES(member)	offsetof(struct offer, member)
#define NONE		KEY_NO_MEMBER
#define OPERATIONAL	IN_OPERATIONAL, IN_OPERATIONAL
#define SECURITY	IN_SECURITY, IN_SECURITY
/* "Use: LO", "Scope: SW", and the user may have an opinion on it. */
#define LO		(KEY_LEADING | KEY_SESSION | KEY_USER)
#define LO_NORMAL	(LO | KEY_NOT_DISCOVERY)

static const char *const digest_words[] = {	/* by enum digest, 13.1 */
	"None", "CRC32C", NULL,
};

static const char *const reporting_words[] = {	/* by enum task_reporting */
	"RFC3720", "ResponseFence", "FastAbort", NULL,
};

/* 13.14: FirstBurstLength when there is no unsolicited data at all. */
static bool
no_unsolicited(const struct params *p)
{
	return p->InitialR2T && !p->ImmediateData;
}

const struct key keys[] = {
	/* security, 12.1: not in params, the authentication method reads them */
	{ "AuthMethod", KEY_LONG, RULE_AUTH, SECURITY, 0,
	  .at = NONE, .section = "12.1" },
	{ "CHAP_A", KEY_LONG, RULE_AUTH, SECURITY, 0,
	  .at = NONE, .section = "12.1.3" },
	{ "CHAP_I", KEY_TEXT, RULE_AUTH, SECURITY, 0,
	  .at = NONE, .section = "12.1.3" },
	{ "CHAP_C", KEY_LONG, RULE_AUTH, SECURITY, 0,
	  .at = NONE, .section = "12.1.3" },
	{ "CHAP_N", KEY_TEXT, RULE_AUTH, SECURITY, 0,
	  .at = NONE, .section = "12.1.3" },
	{ "CHAP_R", KEY_LONG, RULE_AUTH, SECURITY, 0,
	  .at = NONE, .section = "12.1.3" },

	/* names and addresses */
	{ "SessionType", KEY_TEXT, RULE_DECLARE, ANY_STAGE, 0,
	  KEY_LEADING | KEY_SESSION, .at = NONE, .section = "13.21" },
	{ "InitiatorName", KEY_TEXT, RULE_DECLARE, ANY_STAGE, 0,
	  KEY_SESSION, .at = NONE, .section = "13.5" },
	{ "InitiatorAlias", KEY_TEXT, RULE_DECLARE, ALWAYS, 0,
	  KEY_SESSION, .at = NONE, .section = "13.7" },
	{ "TargetName", KEY_TEXT, RULE_DECLARE, ANY_STAGE, IN_FULL_FEATURE,
	  KEY_SESSION | KEY_REPEATABLE, .at = NONE, .section = "13.4" },
	/* one that is too long is nothing (RFC 3721 2), not an error */
	{ "TargetAlias", KEY_LONG, RULE_DECLARE, 0, ALWAYS,
	  KEY_SESSION | KEY_EMPTY_OK, .at = NONE, .section = "13.6" },
	{ "TargetAddress", KEY_LONG, RULE_DECLARE, 0, ALWAYS,
	  KEY_SESSION | KEY_REPEATABLE, .at = NONE, .section = "13.8" },
	{ "TargetPortalGroupTag", KEY_TEXT, RULE_DECLARE, 0, ANY_STAGE,
	  KEY_SESSION, 0, 65535, .at = NONE, .section = "13.9" },
	{ "SendTargets", KEY_TEXT, RULE_DECLARE, IN_FULL_FEATURE, 0,
	  KEY_SESSION | KEY_EMPTY_OK, .at = NONE, .section = "13.3" },

	/* operational, of a connection */
	{ "HeaderDigest", KEY_LIST, RULE_FIRST, OPERATIONAL, KEY_USER,
	  0, DIGEST_CRC32C, DIGEST_NONE, AT(HeaderDigest),
	  .list_at = CHOICES(HeaderDigest), .words = digest_words,
	  .section = "13.1" },
	{ "DataDigest", KEY_LIST, RULE_FIRST, OPERATIONAL, KEY_USER,
	  0, DIGEST_CRC32C, DIGEST_NONE, AT(DataDigest),
	  .list_at = CHOICES(DataDigest), .words = digest_words,
	  .section = "13.1" },
	{ "MaxRecvDataSegmentLength", KEY_NUMBER, RULE_DECLARE,
	  IN_OPERATIONAL | IN_FULL_FEATURE, IN_OPERATIONAL | IN_FULL_FEATURE,
	  KEY_USER, 512, DATA_SEGMENT_MAX, 8192, AT(MaxRecvDataSegmentLength),
	  AT(TargetMaxRecvDataSegmentLength), .section = "13.12" },

	/* operational, of the session */
	{ "MaxConnections", KEY_NUMBER, RULE_MIN, OPERATIONAL, LO_NORMAL,
	  1, 65535, 1, AT(MaxConnections), .section = "13.2" },
	{ "InitialR2T", KEY_BOOL, RULE_OR, OPERATIONAL, LO_NORMAL,
	  0, 1, true, AT(InitialR2T), .section = "13.10" },
	{ "ImmediateData", KEY_BOOL, RULE_AND, OPERATIONAL, LO_NORMAL,
	  0, 1, true, AT(ImmediateData), .section = "13.11" },
	{ "MaxBurstLength", KEY_NUMBER, RULE_MIN, OPERATIONAL, LO_NORMAL,
	  512, DATA_SEGMENT_MAX, 262144, AT(MaxBurstLength),
	  .section = "13.13" },
	{ "FirstBurstLength", KEY_NUMBER, RULE_MIN, OPERATIONAL, LO_NORMAL,
	  512, DATA_SEGMENT_MAX, 65536, AT(FirstBurstLength),
	  .irrelevant = no_unsolicited, .section = "13.14" },
	{ "DefaultTime2Wait", KEY_NUMBER, RULE_MAX, OPERATIONAL, LO,
	  0, 3600, 2, AT(DefaultTime2Wait), .section = "13.15" },
	{ "DefaultTime2Retain", KEY_NUMBER, RULE_MIN, OPERATIONAL, LO,
	  0, 3600, 20, AT(DefaultTime2Retain), .section = "13.16" },
	{ "MaxOutstandingR2T", KEY_NUMBER, RULE_MIN, OPERATIONAL, LO_NORMAL,
	  1, 65535, 1, AT(MaxOutstandingR2T), .section = "13.17" },
	{ "DataPDUInOrder", KEY_BOOL, RULE_OR, OPERATIONAL, LO_NORMAL,
	  0, 1, true, AT(DataPDUInOrder), .section = "13.18" },
	{ "DataSequenceInOrder", KEY_BOOL, RULE_OR, OPERATIONAL, LO_NORMAL,
	  0, 1, true, AT(DataSequenceInOrder), .section = "13.19" },
	{ "ErrorRecoveryLevel", KEY_NUMBER, RULE_MIN, OPERATIONAL,
	  LO | KEY_DISCOVERY_0, 0, 2, 0, AT(ErrorRecoveryLevel),
	  .section = "13.20" },
	{ "TaskReporting", KEY_LIST, RULE_FIRST, OPERATIONAL,
	  LO_NORMAL | KEY_LATER, 0, REPORT_FAST_ABORT, REPORT_RFC3720,
	  AT(TaskReporting), .list_at = CHOICES(TaskReporting),
	  .words = reporting_words, .section = "13.23" },
	{ "iSCSIProtocolLevel", KEY_NUMBER, RULE_MIN, OPERATIONAL,
	  (LO_NORMAL & ~KEY_USER) | KEY_LATER, 0, 31, 1,
	  AT(iSCSIProtocolLevel), .section = "7144 7.1.1" },

	/*
	 * Of the choices of 13.26.2 we take silence: the key is not sent, and
	 * what a target sends is discarded without an answer.
	 */
	{ "X#NodeArchitecture", KEY_LONG, RULE_DECLARE, 0, IN_OPERATIONAL,
	  KEY_SESSION | KEY_LATER | KEY_EMPTY_OK, .at = NONE,
	  .section = "13.26" },

	/* RFC 3720's markers, 13.25 */
	{ "IFMarker", KEY_TEXT, RULE_OBSOLETE, 0,
	  IN_OPERATIONAL | IN_FULL_FEATURE, .at = NONE, .section = "13.25" },
	{ "OFMarker", KEY_TEXT, RULE_OBSOLETE, 0,
	  IN_OPERATIONAL | IN_FULL_FEATURE, .at = NONE, .section = "13.25" },
	{ "IFMarkInt", KEY_TEXT, RULE_OBSOLETE, 0,
	  IN_OPERATIONAL | IN_FULL_FEATURE, .at = NONE, .section = "13.25" },
	{ "OFMarkInt", KEY_TEXT, RULE_OBSOLETE, 0,
	  IN_OPERATIONAL | IN_FULL_FEATURE, .at = NONE, .section = "13.25" },
};

const unsigned int n_keys = sizeof(keys) / sizeof(*keys);

static_assert(sizeof(keys) / sizeof(*keys) <= KEYS_MAX, "more keys than bits");
static_assert(sizeof(((struct offer *)0)->TaskReporting) ==
	      sizeof(struct digest_list), "all lists have one shape");

const struct key *
key_find(const char *name)
{
	for (unsigned int i = 0; i < n_keys; i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

uint32_t
key_get(const struct key *k, const struct params *p)
{
	const char *member = (const char *)p + k->at;

	assert(key_has_member(k));
	switch (k->type) {
	case KEY_NUMBER:
		return *(const uint32_t *)(const void *)member;
	case KEY_BOOL:
		return *(const bool *)member;
	case KEY_LIST:
		return *(const uint8_t *)member;
	case KEY_TEXT:
	case KEY_LONG:
		break;
	}
	abort();			/* it has no member */
}

void
key_set(const struct key *k, struct params *p, uint32_t value)
{
	char *member = (char *)p + k->at;

	assert(key_has_member(k));
	switch (k->type) {
	case KEY_NUMBER:
		*(uint32_t *)(void *)member = value;
		return;
	case KEY_BOOL:
		*(bool *)member = value != 0;
		return;
	case KEY_LIST:
		*(uint8_t *)member = (uint8_t)value;
		return;
	case KEY_TEXT:
	case KEY_LONG:
		break;
	}
	abort();			/* it has no member */
}

void
key_set_target(const struct key *k, struct params *p, uint32_t value)
{
	assert(k->rule == RULE_DECLARE && k->type == KEY_NUMBER);
	*(uint32_t *)(void *)((char *)p + k->target_at) = value;
}

const struct digest_list *
key_choices(const struct key *k, const struct offer *o)
{
	assert(k->type == KEY_LIST);
	return (const struct digest_list *)(const void *)
	    ((const char *)o + k->list_at);
}

int
key_word(const struct key *k, const char *word)
{
	for (int i = 0; k->words[i]; i++)
		if (strcmp(k->words[i], word) == 0)
			return i;
	return -1;
}

char *
key_print(const struct key *k, uint32_t value, char buf[KEY_VALUE_MAX])
{
	if (k->type == KEY_NUMBER)
		snprintf(buf, KEY_VALUE_MAX, "%" PRIu32, value);
	else if (k->type == KEY_BOOL)
		snprintf(buf, KEY_VALUE_MAX, "%s", value ? "Yes" : "No");
	else
		snprintf(buf, KEY_VALUE_MAX, "%s", k->words[value]);
	return buf;
}

char *
key_print_offer(const struct key *k, const struct offer *o,
		char buf[KEY_VALUE_MAX])
{
	if (k->type != KEY_LIST)
		return key_print(k, key_get(k, &o->values), buf);
	const struct digest_list *list = key_choices(k, o);
	size_t len = 0;

	buf[0] = '\0';
	for (int i = 0; i < list->n; i++)
		len += (size_t)snprintf(buf + len, KEY_VALUE_MAX - len, "%s%s",
					i ? "," : "", k->words[list->item[i]]);
	assert(len < KEY_VALUE_MAX);
	return buf;
}
