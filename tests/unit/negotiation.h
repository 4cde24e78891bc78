/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One negotiation, seen from its tests: what was said, what is answered. */
#ifndef NEGOTIATION_H
#define NEGOTIATION_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "text/negotiate.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

enum mode { NORMAL, DISCOVERY, SECOND, FULL_FEATURE };

/* A negotiation, what it said, and what it is going to say. */
static struct negotiation n;
static struct text said, answers;
static struct offer offer;
static struct lun_error err;

static void
start(enum mode mode)
{
	struct params in_force;

	params_default(&in_force);
	text_deinit(&said);
	text_deinit(&answers);
	text_init(&said, 65536);
	text_init(&answers, 65536);
	negotiate_init(&n, &offer, &in_force,
		       mode == FULL_FEATURE ? IN_FULL_FEATURE : IN_OPERATIONAL,
		       mode != SECOND, mode == DISCOVERY);
}

static void
start_and_offer(enum mode mode)
{
	start(mode);
	assert_int_equal(negotiate_offer(&n, &said, &err), 0);
}

static int
take_pair(const char *key, const char *value)
{
	struct pair pair = { .value = value, .value_len = strlen(value) };

	strcpy(pair.key, key);
	return negotiate_take(&n, &pair, &answers, &err);
}

/* The value of a key in a text, NULL if it is not there. */
static const char *
find(const struct text *t, const char *key)
{
	static char value[256];
	struct pair pair;
	size_t pos = 0;

	while (text_next(t, &pos, &pair, NULL) == TEXT_PAIR) {
		if (strcmp(pair.key, key) == 0) {
			snprintf(value, sizeof(value), "%s", pair.value);
			return value;
		}
	}
	return NULL;
}

static void
expect_answer(const char *key, const char *value)
{
	const char *got = find(&answers, key);

	if (!value) {
		assert_null(got);
		return;
	}
	assert_non_null(got);
	assert_string_equal(got, value);
}

static uint32_t
concluded(const struct key *k)
{
	struct params p;

	assert_int_equal(negotiate_conclude(&n, &p, &err), 0);
	return key_get(k, &p);
}

static int
setup(void **state)
{
	offer_default(&offer);
	return 0;
}

static int
teardown(void **state)
{
	text_deinit(&said);
	text_deinit(&answers);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
