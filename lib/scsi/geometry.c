/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Comparing what probes found. */
#include "scsi/geometry.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"

void
geometry_deinit(struct geometry *g)
{
	designators_deinit(&g->designators);
}

void
geometry_move(struct geometry *to, struct geometry *from)
{
	geometry_deinit(to);
	*to = *from;
	*from = (struct geometry){ 0 };
}

static bool
designators_equal(const struct designators *a, const struct designators *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->text[i], b->text[i]) != 0)
			return false;
	return true;
}

static bool
inquiry_equal(const struct inquiry *a, const struct inquiry *b)
{
	return strcmp(a->vendor, b->vendor) == 0 &&
	       strcmp(a->product, b->product) == 0 &&
	       strcmp(a->revision, b->revision) == 0;
}

bool
geometry_equal(const struct geometry *a, const struct geometry *b)
{
	return a->state == b->state && strcmp(a->text, b->text) == 0 &&
	       inquiry_equal(&a->inquiry, &b->inquiry) &&
	       strcmp(a->serial, b->serial) == 0 &&
	       designators_equal(&a->designators, &b->designators) &&
	       a->blocks == b->blocks && a->block_size == b->block_size &&
	       a->physical_block_size == b->physical_block_size &&
	       a->limits.max_transfer == b->limits.max_transfer &&
	       a->limits.optimal_transfer == b->limits.optimal_transfer &&
	       a->rotation_rate == b->rotation_rate &&
	       a->write_protected == b->write_protected &&
	       a->dpo_fua == b->dpo_fua && a->cache_known == b->cache_known &&
	       a->write_cache == b->write_cache && a->thin == b->thin;
}

/* "naa.": up to the first dot */
static bool
same_kind(const char *a, const char *b)
{
	size_t len = strcspn(a, ".");

	return strncmp(a, b, len + 1) == 0;
}

enum match {
	MATCH_NONE,		/* nothing that could be compared */
	MATCH_YES,
	MATCH_NO,
};

/* The name a of one find among those of the other. */
static enum match
match_name(const char *a, const struct designators *others)
{
	enum match m = MATCH_NONE;

	for (size_t i = 0; i < others->n; i++) {
		if (strcmp(a, others->text[i]) == 0)
			return MATCH_YES;
		if (same_kind(a, others->text[i]))
			m = MATCH_NO;
	}
	return m;
}

/* Do names of the kind of a agree in both? */
static bool
kind_agrees(const char *a, const struct designators *was,
	    const struct designators *now)
{
	for (size_t i = 0; i < was->n; i++)
		if (same_kind(a, was->text[i]) &&
		    match_name(was->text[i], now) == MATCH_YES)
			return true;
	return false;
}

static enum match
match_designators(const struct designators *was, const struct designators *now,
		  const char **lost)
{
	enum match m = MATCH_NONE;

	for (size_t i = 0; i < was->n; i++) {
		if (match_name(was->text[i], now) == MATCH_NONE)
			continue;
		if (!kind_agrees(was->text[i], was, now)) {
			*lost = was->text[i];
			return MATCH_NO;
		}
		m = MATCH_YES;
	}
	return m;
}

/* Two units without names: everything must be as it was. */
static int
same_nameless(const struct geometry *was, const struct geometry *now,
	      struct lun_error *err)
{
	if (was->designators.n > 0 || was->serial[0])
		return lun_fail(err, LUN_EIDENTITY,
				"another logical unit is there now: \"%s\" was"
				" its name, now it has none",
				was->designators.n > 0 ?
				was->designators.text[0] : was->serial);
	if (!inquiry_equal(&was->inquiry, &now->inquiry))
		return lun_fail(err, LUN_EIDENTITY,
				"another logical unit is there now: \"%s %s\","
				" it was \"%s %s\"", now->inquiry.vendor,
				now->inquiry.product, was->inquiry.vendor,
				was->inquiry.product);
	if (was->blocks != now->blocks)
		return lun_fail(err, LUN_EIDENTITY,
				"another logical unit may be there now: it has"
				" no name, and %" PRIu64 " instead of %" PRIu64
				" blocks", now->blocks, was->blocks);
	return 0;
}

int
geometry_same_unit(const struct geometry *was, const struct geometry *now,
		   bool may_shrink, struct lun_error *err)
{
	const char *lost;

	if (was->block_size != now->block_size)
		return lun_fail(err, LUN_EIDENTITY,
				"another logical unit is there now: blocks of"
				" %" PRIu32 " instead of %" PRIu32 " bytes",
				now->block_size, was->block_size);

	enum match m = match_designators(&was->designators, &now->designators,
					 &lost);

	if (m == MATCH_NO)
		return lun_fail(err, LUN_EIDENTITY,
				"another logical unit is there now: \"%s\" is"
				" not among its names", lost);
	/* A copy of a unit may have its designators, too (cloned images). */
	if (was->serial[0] && now->serial[0]) {
		if (strcmp(was->serial, now->serial) != 0)
			return lun_fail(err, LUN_EIDENTITY,
					"another logical unit is there now:"
					" serial number \"%s\" instead of"
					" \"%s\"", now->serial, was->serial);
		m = MATCH_YES;
	}
	if (m == MATCH_NONE)
		return same_nameless(was, now, err);
	if (now->blocks < was->blocks && !may_shrink)
		return lun_fail(err, LUN_EIDENTITY,
				"the logical unit has shrunk from %" PRIu64
				" to %" PRIu64 " blocks", was->blocks,
				now->blocks);
	return 0;
}
