/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a text that a target sends, and its keys as a negotiation. The
 * first bytes choose the circumstances. Whatever comes, the results stay in
 * the ranges of the key table, and what we answer is a text itself.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "text/negotiate.h"

enum { OPTIONS = 3 };

static const enum key_phase phases[] = {
	IN_SECURITY, IN_OPERATIONAL, IN_FULL_FEATURE, IN_OPERATIONAL,
};

/*
 * So that random bytes have a chance: those below the number of keys stand for
 * "Key=", some above for values, and the rest for themselves.
 */
static void
add_token(struct text *t, uint8_t byte)
{
	static const char *const words[] = {
		"Yes", "No", "None", "CRC32C", "Reject", "Irrelevant",
		"NotUnderstood", "512", "0x1000", "16777215", "1", "2", ",",
		"RFC3720", "ResponseFence",
	};
	enum { FIRST = 0xe0 };

	if (byte < n_keys) {
		text_join(t, (const uint8_t *)"", 1, NULL);
		text_join(t, (const uint8_t *)keys[byte].name,
			  strlen(keys[byte].name), NULL);
		text_join(t, (const uint8_t *)"=", 1, NULL);
	} else if (byte >= FIRST && byte - FIRST < 15) {
		const char *word = words[byte - FIRST];

		text_join(t, (const uint8_t *)word, strlen(word), NULL);
	} else {
		text_join(t, &byte, 1, NULL);
	}
}

static void
check_params(const struct params *p)
{
	for (unsigned int i = 0; i < n_keys; i++) {
		if (!key_has_member(&keys[i]))
			continue;
		assert(key_get(&keys[i], p) >= keys[i].lo);
		assert(key_get(&keys[i], p) <= keys[i].hi);
	}
	assert(p->FirstBurstLength <= p->MaxBurstLength);
	assert(p->TargetMaxRecvDataSegmentLength >= 512);
	assert(p->TargetMaxRecvDataSegmentLength <= 0xffffff);
}

static void
negotiate(const struct text *in, const uint8_t *opt)
{
	struct negotiation n;
	struct offer offer;
	struct params p;
	struct text out, answers;
	struct pair pair;
	size_t pos = 0;

	offer_default(&offer);
	params_default(&p);
	text_init(&out, TEXT_LIMIT_ANSWER);
	text_init(&answers, TEXT_LIMIT_ANSWER);
	negotiate_init(&n, &offer, &p, phases[opt[0] & 3], opt[0] & 4,
		       opt[0] & 8);
	if (opt[0] & 16)
		negotiate_offer(&n, &out, NULL);
	while (text_next(in, &pos, &pair, NULL) == TEXT_PAIR) {
		assert(strlen(pair.value) == pair.value_len);
		if (negotiate_take(&n, &pair, &answers, NULL) < 0)
			break;
	}
	negotiate_offer(&n, &out, NULL);
	if (negotiate_conclude(&n, &p, NULL) == 0)
		check_params(&p);
	pos = 0;
	while (text_next(&answers, &pos, &pair, NULL) == TEXT_PAIR)
		;
	assert(pos == answers.len);
	text_deinit(&out);
	text_deinit(&answers);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text t;

	if (size < OPTIONS)
		return 0;
	text_init(&t, TEXT_LIMIT_LOGIN);
	if (data[1] & 1)
		for (size_t i = OPTIONS; i < size; i++)
			add_token(&t, data[i]);
	else
		text_join(&t, data + OPTIONS, size - OPTIONS, NULL);
	/* a token for a key begins with the null of the pair before it */
	if (t.len > 0 && t.data[0] == '\0') {
		memmove(t.data, t.data + 1, t.len - 1);
		t.data[t.len - 1] = '\0';
	}
	negotiate(&t, data);
	text_deinit(&t);
	return 0;
}
