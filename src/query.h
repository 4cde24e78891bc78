/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What ls and info have in common: a loop of their own, every source looked
 * at, each session asked once and logged out of.
 */
#ifndef QUERY_H
#define QUERY_H

#include "opts.h"
#include "survey.h"

struct query_ops {
	/* For each target: with a session (t->code 0), or without. */
	void (*look)(void *user, struct target *t);
	/* All were looked at; the sessions are gone. An exit code. */
	int (*show)(void *user, const struct survey *sv);
};

/* What went wrong with sources and targets is said on stderr, before show.
 * Returns an exit code. */
int query(struct opts *o, const struct query_ops *ops, void *user);

/* Says on stderr what went wrong with sources and targets; how many. */
size_t report_failures(const struct survey *sv);

/* Loop, log and capture as the options say. */
int loop_setup(struct lun_loop **out, const struct opts *o,
	       struct lun_error *err);

#endif
