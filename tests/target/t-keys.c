/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The operational keys, from the target's side. See t-keys.h. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "t-keys.h"

enum rule { RULE_MIN, RULE_MAX, RULE_AND, RULE_OR, RULE_LIST, RULE_DECLARE };

enum { LO = 1, NOT_DISCOVERY = 2 };

static const char *const digests[] = { "None", "CRC32C", NULL };
static const char *const reporting[] =
	{ "RFC3720", "ResponseFence", "FastAbort", NULL };

enum { MAX_24 = 16777215 };

static const struct row {
	const char *name;
	enum rule rule;
	unsigned flags;
	uint32_t lo, hi;
	uint32_t dflt;			/* RFC 7143 13: if nobody speaks */
	uint32_t want;			/* ours; a list: bits of names */
	const char *const *names;
} rows[K_COUNT] = {
	[K_HEADER_DIGEST] = { "HeaderDigest", RULE_LIST, 0,
		0, 0, 0, 3, digests }, /* 13.1 */
	[K_DATA_DIGEST] = { "DataDigest", RULE_LIST, 0,
		0, 0, 0, 3, digests },
	[K_MAX_RECV] = { "MaxRecvDataSegmentLength", RULE_DECLARE, 0,
		512, MAX_24, 8192, 262144, NULL }, /* 13.12 */
	[K_MAX_CONNECTIONS] = { "MaxConnections", RULE_MIN, LO | NOT_DISCOVERY,
		1, 65535, 1, 1, NULL }, /* 13.2 */
	[K_INITIAL_R2T] = { "InitialR2T", RULE_OR, LO | NOT_DISCOVERY,
		0, 1, 1, 0, NULL }, /* 13.10 */
	[K_IMMEDIATE_DATA] = { "ImmediateData", RULE_AND, LO | NOT_DISCOVERY,
		0, 1, 1, 1, NULL }, /* 13.11 */
	[K_MAX_BURST] = { "MaxBurstLength", RULE_MIN, LO | NOT_DISCOVERY,
		512, MAX_24, 262144, 1048576, NULL }, /* 13.13 */
	[K_FIRST_BURST] = { "FirstBurstLength", RULE_MIN, LO | NOT_DISCOVERY,
		512, MAX_24, 65536, 262144, NULL }, /* 13.14 */
	[K_TIME2WAIT] = { "DefaultTime2Wait", RULE_MAX, LO,
		0, 3600, 2, 0, NULL }, /* 13.15 */
	[K_TIME2RETAIN] = { "DefaultTime2Retain", RULE_MIN, LO,
		0, 3600, 20, 20, NULL }, /* 13.16 */
	[K_MAX_R2T] = { "MaxOutstandingR2T", RULE_MIN, LO | NOT_DISCOVERY,
		1, 65535, 1, 8, NULL }, /* 13.17 */
	[K_PDU_IN_ORDER] = { "DataPDUInOrder", RULE_OR, LO | NOT_DISCOVERY,
		0, 1, 1, 1, NULL }, /* 13.18 */
	[K_SEQ_IN_ORDER] = { "DataSequenceInOrder", RULE_OR, LO | NOT_DISCOVERY,
		0, 1, 1, 1, NULL }, /* 13.19 */
	[K_ERL] = { "ErrorRecoveryLevel", RULE_MIN, LO,
		0, 2, 0, 0, NULL }, /* 13.20 */
	[K_TASK_REPORTING] = { "TaskReporting", RULE_LIST, LO | NOT_DISCOVERY,
		0, 0, 0, 1, reporting }, /* 13.23 */
	[K_PROTOCOL_LEVEL] = { "iSCSIProtocolLevel", RULE_MIN, LO | NOT_DISCOVERY,
		0, 31, 1, 1, NULL }, /* 13.24 */
};

void
tvalues_default(struct tvalues *v)
{
	for (int k = 0; k < K_COUNT; k++)
		v->v[k] = rows[k].dflt;
}

void
twants_default(struct twants *w)
{
	memset(w, 0, sizeof(*w));
	for (int k = 0; k < K_COUNT; k++)
		w->v[k] = rows[k].want;
}

enum tkey
tkey_find(const char *name)
{
	int k;

	for (k = 0; k < K_COUNT; k++)
		if (strcmp(rows[k].name, name) == 0)
			break;
	return k;
}

const char *
tkey_name(enum tkey k)
{
	return rows[k].name;
}

bool
tkey_leading_only(enum tkey k)
{
	return rows[k].flags & LO;
}

bool
text_number(const char *s, uint32_t lo, uint32_t hi, uint32_t *out)
{
	bool hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
	unsigned long long v;
	char *end;

	/* strtoull() would take blanks and signs */
	if (!isxdigit((unsigned char)(hex ? s[2] : s[0])))
		return false;
	v = strtoull(s, &end, hex ? 16 : 10);
	if (*end || v < lo || v > hi)
		return false;
	*out = (uint32_t)v;
	return true;
}

static bool
text_boolean(const char *s, uint32_t *out)
{
	if (strcmp(s, "Yes") != 0 && strcmp(s, "No") != 0)
		return false;
	*out = s[0] == 'Y';
	return true;
}

static int
name_index(const struct row *row, const char *s, size_t len)
{
	for (int i = 0; row->names[i]; i++)
		if (strlen(row->names[i]) == len &&
		    memcmp(row->names[i], s, len) == 0)
			return i;
	return -1;
}

/* The first of the offered values that is in the set of bits; -1: none. */
static int
first_of(const struct row *row, const char *list, uint32_t bits)
{
	for (const char *s = list;; s++) {
		size_t len = strcspn(s, ",");
		int i = name_index(row, s, len);

		if (i >= 0 && (bits >> i & 1))
			return i;
		s += len;
		if (!*s)
			return -1;
	}
}

static bool
is_boolean(const struct row *row)
{
	return row->rule == RULE_AND || row->rule == RULE_OR;
}

static bool
parse(const struct row *row, const char *value, uint32_t *out)
{
	if (is_boolean(row))
		return text_boolean(value, out);
	return text_number(value, row->lo, row->hi, out);
}

static void
print(const struct row *row, uint32_t v, char out[TKEY_TEXT])
{
	if (is_boolean(row))
		strcpy(out, v ? "Yes" : "No");
	else
		snprintf(out, TKEY_TEXT, "%u", v);
}

static int
set_list(uint32_t *bits, const struct row *row, const char *value)
{
	uint32_t v = 0;

	for (const char *s = value;; s++) {
		size_t len = strcspn(s, ",");
		int i = name_index(row, s, len);

		if (i < 0)
			return -1;
		v |= 1u << i;
		s += len;
		if (!*s)
			break;
	}
	*bits = v;
	return 0;
}

int
twants_set(struct twants *w, const char *name, const char *value,
	   struct lun_error *err)
{
	enum tkey k = tkey_find(name);

	if (k == K_COUNT)
		return lun_fail(err, LUN_EINVAL, "no such key: %s", name);
	if (rows[k].rule == RULE_LIST ? set_list(&w->v[k], &rows[k], value) < 0
				      : !parse(&rows[k], value, &w->v[k]))
		return lun_fail(err, LUN_EINVAL, "%s=%s: not a value of it",
				name, value);
	w->asked_for[k] = true;
	return 0;
}

void
tkey_propose(enum tkey k, const struct twants *w, char out[TKEY_TEXT])
{
	const struct row *row = &rows[k];

	if (row->rule != RULE_LIST) {
		print(row, w->v[k], out);
		return;
	}
	*out = 0;
	/* stronger values have higher indices and come first */
	for (int i = 31; i >= 0; i--) {
		if (!(w->v[k] >> i & 1))
			continue;
		if (*out)
			strcat(out, ",");
		strcat(out, row->names[i]);
	}
}

static uint32_t
combine(enum rule rule, uint32_t a, uint32_t b)
{
	switch (rule) {
	case RULE_MIN:
		return a < b ? a : b;
	case RULE_MAX:
		return a > b ? a : b;
	case RULE_AND:
		return a && b;
	case RULE_OR:
		return a || b;
	case RULE_LIST:
	case RULE_DECLARE:
		break;
	}
	abort();
}

/* 13.14: not above MaxBurstLength, unless the user wants just that. */
static uint32_t
wanted(const struct twants *w, enum tkey k)
{
	uint32_t burst = w->v[K_MAX_BURST];

	return k == K_FIRST_BURST && !w->asked_for[k] && w->v[k] > burst
		       ? burst : w->v[k];
}

static bool
is_reserved(const char *value)
{
	return strcmp(value, "Reject") == 0 ||
	       strcmp(value, "Irrelevant") == 0 ||
	       strcmp(value, "NotUnderstood") == 0;
}

int
tkey_answer(enum tkey k, const struct twants *w, const char *value,
	    bool discovery, struct tvalues *v, char out[TKEY_TEXT])
{
	const struct row *row = &rows[k];
	uint32_t theirs;

	*out = 0;
	if (is_reserved(value))
		return -1;			/* RFC 7143 6.2 */
	if (row->rule == RULE_LIST) {		/* 6.2.1 */
		int i = first_of(row, value, w->v[k]);

		if (discovery && (row->flags & NOT_DISCOVERY)) {
			strcpy(out, "Irrelevant");
			return 0;
		}
		strcpy(out, i < 0 ? "Reject" : row->names[i]);
		if (i >= 0)
			v->v[k] = (uint32_t)i;
		return 0;
	}
	if (!parse(row, value, &theirs)) {
		strcpy(out, "Reject");		/* 6.2.2 */
		return row->rule == RULE_DECLARE ? -1 : 0;	/* 7.12 */
	}
	if (row->rule == RULE_DECLARE) {
		v->v[k] = theirs;
		return 0;
	}
	if (discovery && (row->flags & NOT_DISCOVERY)) {
		strcpy(out, "Irrelevant");
		return 0;
	}
	/* 7.4.1: 0, whatever is offered */
	v->v[k] = discovery && k == K_ERL
			  ? 0 : combine(row->rule, theirs, wanted(w, k));
	print(row, v->v[k], out);
	return 0;
}

int
tkey_answered(enum tkey k, const struct twants *w, const char *value,
	      struct tvalues *v)
{
	const struct row *row = &rows[k];
	uint32_t theirs;

	if (strcmp(value, "NotUnderstood") == 0)
		return -1;			/* RFC 7143 6.2 */
	if (is_reserved(value))
		return 0;
	if (row->rule == RULE_LIST) {
		int i = name_index(row, value, strlen(value));

		if (i < 0 || !(w->v[k] >> i & 1))
			return -1;
		v->v[k] = (uint32_t)i;
		return 0;
	}
	/* an answer outside of what the rule can yield is an error: 6.2.2 */
	if (!parse(row, value, &theirs) ||
	    combine(row->rule, theirs, w->v[k]) != theirs)
		return -1;
	v->v[k] = theirs;
	return 0;
}
