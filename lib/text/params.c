/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parameters and offers, through the key table. */
#include "text/params.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "text/keys.h"
#include "text/text.h"
#include "text/value.h"

void
params_default(struct params *p)
{
	*p = (struct params){ 0 };
	for (unsigned int i = 0; i < n_keys; i++)
		if (keys[i].flags & KEY_SESSION && key_has_member(&keys[i]))
			key_set(&keys[i], p, keys[i].def);
	params_new_connection(p);
}

void
params_new_connection(struct params *p)
{
	for (unsigned int i = 0; i < n_keys; i++) {
		const struct key *k = &keys[i];

		if (k->flags & KEY_SESSION || !key_has_member(k))
			continue;
		key_set(k, p, k->def);
		if (k->target_at)
			key_set_target(k, p, k->def);
	}
}

void
offer_default(struct offer *o)
{
	*o = (struct offer){
		.HeaderDigest = { 2, { DIGEST_NONE, DIGEST_CRC32C } },
		.DataDigest = { 2, { DIGEST_NONE, DIGEST_CRC32C } },
		/* the stronger promise first; the last two must be there: 13.23 */
		.TaskReporting = { 3, { REPORT_FAST_ABORT,
					REPORT_RESPONSE_FENCE,
					REPORT_RFC3720 } },
	};
	params_default(&o->values);
	o->values.MaxRecvDataSegmentLength = 1 << 20;
	o->values.InitialR2T = false;
	/* as large as the range allows, in whole KiB */
	o->values.MaxBurstLength = (1 << 24) - 1024;
	o->values.FirstBurstLength = 256 << 10;
	o->values.DefaultTime2Wait = 0;		/* as the target likes */
	o->values.MaxOutstandingR2T = 16;
}

/* A word in any case. */
static int
find_word(const struct key *k, const char *word)
{
	for (int i = 0; k->words[i]; i++)
		if (strcasecmp(k->words[i], word) == 0)
			return i;
	return -1;
}

static int
set_list(const struct key *k, struct offer *o, const char *value,
	 struct lun_error *err)
{
	struct digest_list list = { 0 };
	unsigned int seen = 0;
	char item[VALUE_LEN_MAX + 1];

	for (const char *s = value; value_list_next(&s, item, sizeof(item));) {
		int word = find_word(k, item);

		if (word < 0 || (seen & 1u << word))
			return lun_fail(err, LUN_EINVAL,
			    "%s=%s: not a list of %s and %s%s%s", k->name,
			    value, k->words[0], k->words[1],
			    k->words[2] ? " and " : "",
			    k->words[2] ? k->words[2] : "");
		seen |= 1u << word;
		list.item[list.n++] = (uint8_t)word;
	}
	/* RFC 7143 13.23: who offers it offers at least these two */
	if (k->flags & KEY_LATER && (seen & 3) != 3)
		return lun_fail(err, LUN_EINVAL, "%s=%s: needs %s and %s",
				k->name, value, k->words[0], k->words[1]);
	*(struct digest_list *)(void *)((char *)o + k->list_at) = list;
	return 0;
}

static int
set_bool(const struct key *k, struct offer *o, const char *value,
	 struct lun_error *err)
{
	bool yes = strcasecmp(value, "Yes") == 0;

	if (!yes && strcasecmp(value, "No") != 0)
		return lun_fail(err, LUN_EINVAL, "%s=%s: not Yes or No",
				k->name, value);
	key_set(k, &o->values, yes);
	return 0;
}

static int
set_number(const struct key *k, struct offer *o, const char *value,
	   struct lun_error *err)
{
	uint64_t v;

	if (!value_size(value, &v) || v < k->lo || v > k->hi)
		return lun_fail(err, LUN_EINVAL, "%s=%s: not in %u..%u",
				k->name, value, k->lo, k->hi);
	key_set(k, &o->values, (uint32_t)v);
	return 0;
}

int
offer_set(struct offer *o, const char *key, const char *value,
	  struct lun_error *err)
{
	const struct key *k = key_find(key);

	if (!k)
		return lun_fail(err, LUN_EINVAL, "%s=%s: no such key", key,
				value);
	if (!(k->flags & KEY_USER))
		return lun_fail(err, LUN_EINVAL,
				"%s=%s: this key is not for you to set", key,
				value);
	if (k->type == KEY_LIST)
		return set_list(k, o, value, err);
	if (k->type == KEY_BOOL)
		return set_bool(k, o, value, err);
	return set_number(k, o, value, err);
}

void
params_each(const struct params *p,
	    void (*f)(void *user, const char *key, const char *text,
		      uint32_t number),
	    void *user)
{
	char text[KEY_VALUE_MAX];

	for (unsigned int i = 0; i < n_keys; i++) {
		const struct key *k = &keys[i];

		if (!key_has_member(k))
			continue;
		uint32_t value = key_get(k, p);

		if (k->type == KEY_NUMBER)
			f(user, k->name, NULL, value);
		else
			f(user, k->name, key_print(k, value, text), value);
		if (k->target_at)
			f(user, "TargetMaxRecvDataSegmentLength", NULL,
			  p->TargetMaxRecvDataSegmentLength);
	}
}
