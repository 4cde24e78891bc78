/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See isns-lists.h. */
#include "discovery/isns-lists.h"

#include <string.h>

static bool
same_target(const struct lun_target *a, const struct lun_target *b)
{
	if (strcmp(a->name, b->name) != 0 || a->n_portals != b->n_portals)
		return false;
	for (size_t i = 0; i < a->n_portals; i++) {
		const struct lun_portal *p = &a->portals[i];
		const struct lun_portal *q = &b->portals[i];

		if (strcmp(p->address, q->address) != 0 ||
		    p->port != q->port || p->tpgt != q->tpgt)
			return false;
	}
	return true;
}

bool
isns_lists_equal(const struct targets *a, const struct targets *b)
{
	size_t n, m;
	const struct lun_target *x = targets_list(a, &n);
	const struct lun_target *y = targets_list(b, &m);

	for (size_t i = 0; n == m && i < n; i++)
		if (!same_target(&x[i], &y[i]))
			return false;
	return n == m;
}

static int
copy_target(struct targets *to, const struct lun_target *t)
{
	int r = targets_add(to, "TargetName", t->name);

	for (size_t i = 0; r == 0 && i < t->n_portals; i++)
		r = targets_add_portal(to, t->portals[i].address,
				       t->portals[i].port, t->portals[i].tpgt);
	return r;
}

struct targets *
isns_lists_join(const struct targets *list, const struct targets *old,
		const struct lun_env *env)
{
	const struct targets *lists[] = { list, old };
	const struct lun_target *v[2];
	struct targets *both;
	size_t n[2], at[2] = { 0 };
	int r = targets_new(&both, "iSNS", env, NULL);

	if (r < 0)
		return NULL;
	for (int i = 0; i < 2; i++)
		v[i] = targets_list(lists[i], &n[i]);
	while (r == 0 && (at[0] < n[0] || at[1] < n[1])) {
		int order = at[0] == n[0] ? 1 : at[1] == n[1] ? -1 :
			strcmp(v[0][at[0]].name, v[1][at[1]].name);

		r = copy_target(both, order > 0 ? &v[1][at[1]] :
						  &v[0][at[0]]);
		at[0] += order <= 0;
		at[1] += order >= 0;
	}
	if (r == 0)
		r = targets_finish(both, NULL);
	return r == 0 ? both : targets_free(both);
}
