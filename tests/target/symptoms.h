/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a target does wrong, and how that ends. */
#ifndef SYMPTOMS_H
#define SYMPTOMS_H

struct symptom {
	const char *symptom;
	const char *target;		/* arguments */
	const char *options;		/* of the session */
	const char *expect;		/* in the end: counters (and connections)
					   NAME=N, or NAME+ for some */
	const char *logged;		/* a part of one line, and only one; NULL:
					   there is nothing to tell */
	const char *declares;		/* by us, when a SNACK was sent; or NULL */
};

extern const struct symptom symptoms[];
extern const unsigned n_symptoms;

#endif
