/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Several sources that name the same target: whose word counts, in which order
 * its portals are tried, whatever order the answers come in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sources.h"

#define TARGET "iqn.2026-11.test.lunfs:x"

/* One source for each URL; the options of the one that is marked are of no use,
 * by which they can be told. */
static struct survey *
new_survey(const char *const *urls, size_t n, size_t marked)
{
	struct survey *sv = calloc(1, sizeof(*sv));
	struct lun_error err;

	assert_non_null(sv);
	sv->sources = calloc(n, sizeof(*sv->sources));
	sv->n_sources = n;
	for (size_t i = 0; i < n; i++) {
		struct source *s = &sv->sources[i];

		s->all = sv;
		assert_int_equal(lun_url_parse(&s->url, urls[i], &err), 0);
		assert_int_equal(lun_options_new(&s->options, &err), 0);
		if (i == marked)
			assert_int_equal(lun_options_set(s->options, "auth",
							 "chap", &err), 0);
	}
	return sv;
}

static bool
has_marked_options(const struct survey *sv)
{
	struct lun_error err;

	return lun_options_check(sv->v[0]->options, NULL, &err) < 0;
}

static void
named(struct survey *sv, size_t source)
{
	struct lun_error err;

	assert_int_equal(source_add_named(&sv->sources[source], &err), 0);
}

static void
found(struct survey *sv, size_t source, const struct lun_portal *p, size_t n)
{
	struct lun_target t = { TARGET, n, p };
	struct lun_error err;

	assert_int_equal(source_add_found(&sv->sources[source], &t, &err), 0);
}

/* "address:port,tag ..." of the only target. */
static const char *
portals(const struct survey *sv)
{
	static char text[500];
	size_t n = 0;

	assert_int_equal(sv->n, 1);
	text[0] = '\0';
	for (size_t i = 0; i < sv->v[0]->n_portals; i++) {
		const struct portal *p = &sv->v[0]->portals[i];

		n += (size_t)sprintf(text + n, "%s%s:%u,%d%s", i ? " " : "",
				     p->address, p->port, p->tpgt,
				     p->asked ? "?" : "");
	}
	return text;
}

static const char *const urls[] = {
	"slp://da.example",
	"isns://isns.example",
	"iscsi://portal.example",
	("iscsi://static.example/" TARGET),
};
static const struct lun_portal by_slp[] = {
	{ "10.0.0.3", 3260, 1, false }, { "10.0.0.4", 3260, 1, false },
};
static const struct lun_portal by_isns[] = {
	{ "10.0.0.2", 3260, 1, false }, { "10.0.0.3", 3260, 7, false },
};
static const struct lun_portal by_portal[] = {
	{ "10.0.0.1", 3260, 1, false },
	{ "static.example", 3260, 5, false },
	{ "portal.example", 3260, -1, true },
};

static void
tell(struct survey *sv, size_t source)
{
	switch (source) {
	case 0:
		found(sv, 0, by_slp, 2);
		break;
	case 1:
		found(sv, 1, by_isns, 2);
		break;
	case 2:
		found(sv, 2, by_portal, 3);
		break;
	default:
		named(sv, 3);
	}
}

/* All orders in which four answers can come.
 * shows: nd01-4-01 */
static void
test_precedence(void **state)
{
	for (size_t order = 0; order < 4 * 4 * 4 * 4; order++) {
		size_t at[4] = { order & 3, order >> 2 & 3, order >> 4 & 3,
				 order >> 6 };
		struct survey *sv;

		if ((1u << at[0] | 1u << at[1] | 1u << at[2] | 1u << at[3]) !=
		    15)
			continue;
		sv = new_survey(urls, 4, 3);
		for (size_t i = 0; i < 4; i++)
			tell(sv, at[i]);
		assert_string_equal(portals(sv),
				    "static.example:3260,5 10.0.0.1:3260,1 "
				    "10.0.0.2:3260,1 10.0.0.3:3260,7 "
				    "10.0.0.4:3260,1 portal.example:3260,-1?");
		assert_true(has_marked_options(sv));
		assert_true(sv->v[0]->named);
		survey_free(sv);
	}
}

/* Each source alone, and those that are left: the options are of the first. */
static void
test_alone(void **state)
{
	static const char *const want[] = {
		"10.0.0.3:3260,1 10.0.0.4:3260,1",
		"10.0.0.2:3260,1 10.0.0.3:3260,7",
		"10.0.0.1:3260,1 static.example:3260,5 portal.example:3260,-1?",
		"static.example:3260,-1",
	};

	for (size_t i = 0; i < 4; i++) {
		struct survey *sv = new_survey(urls, 4, i);

		tell(sv, i);
		assert_string_equal(portals(sv), want[i]);
		assert_true(has_marked_options(sv));
		for (size_t k = 0; k < i; k++)
			tell(sv, k);
		assert_true(has_marked_options(sv));
		for (size_t k = i + 1; k < 4; k++) {
			tell(sv, k);
			assert_false(has_marked_options(sv));
		}
		survey_free(sv);
	}
}

/* Among equals the order is that of the sources, again. */
static void
test_equals(void **state)
{
	static const char *const two[] = {
		("iscsi://a.example/" TARGET), ("iscsi://b.example/" TARGET),
	};

	for (size_t first = 0; first < 2; first++) {
		struct survey *sv = new_survey(two, 2, 0);

		named(sv, first);
		named(sv, !first);
		named(sv, first);
		assert_string_equal(portals(sv),
				    "a.example:3260,-1 b.example:3260,-1");
		assert_true(has_marked_options(sv));
		survey_free(sv);
	}
}

/* What is in use stays so while others are found. */
static void
test_in_use(void **state)
{
	struct survey *sv = new_survey(urls, 4, 3);
	struct target *t;

	tell(sv, 0);
	t = sv->v[0];
	t->state = TARGET_UP;
	t->portal = 1;
	for (size_t i = 1; i < 4; i++) {
		tell(sv, i);
		assert_string_equal(t->portals[t->portal].address, "10.0.0.4");
	}
	assert_int_equal(t->portal, 4);
	survey_free(sv);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_precedence),
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_equals),
		cmocka_unit_test(test_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
