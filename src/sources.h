/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first half of survey.h: sources are parsed, and what they name or what
 * discovery finds is merged into the list of targets.
 */
#ifndef SOURCES_H
#define SOURCES_H

#include "survey.h"

/* Another source, or all those that a static list names. */
int survey_add_source(struct survey *sv, char *text,
		      const struct lun_options *options, struct lun_error *err);
void source_deinit(struct source *s);

/* The target or LUN that a source names becomes a target, or joins it. */
int source_add_named(struct source *s, struct lun_error *err);

/* A target that the source's portal shows. */
int source_add_found(struct source *s, const struct lun_target *found,
		     struct lun_error *err);

/* A survey of the targets that are up in another one, to have sessions of its
 * own with them; the user of each is its original. */
int survey_copy(struct survey **out, const struct survey *from,
		struct lun_error *err);

/* The same of one target. */
int survey_copy_one(struct survey **out, struct target *t,
		    struct lun_error *err);

/* Logs in to what such a survey has, too, and frees it. It takes the place of
 * what has its name: an earlier life of the same target. LUN_ENOMEM. */
int survey_adopt(struct survey *sv, struct survey *one);

void survey_drop_targets(struct survey *sv);

#endif
