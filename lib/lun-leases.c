/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See lun-leases.h. */
#include "lun-leases.h"

#include <stdio.h>
#include <string.h>

#include "io/boot-files.h"

enum { LOOKED_AT_MAX = 200 };

static const struct {
	const char *what;
	int option;
} kinds[] = {
	[BOOT_ISNS] = { "iSNS server", 83 },
	[BOOT_SLP] = { "SLP directory agent", 78 },
};

static void
add_service(struct leases *l, const struct portal *p, const char *where)
{
	char name[PORTAL_TEXT_MAX];
	size_t before = l->info.n_services;

	boot_add_service(&l->info, l->kind, p);
	if (l->info.n_services > before)
		env_log(l->env, LUN_LOG_INFO, "%s %s: found by DHCP option %d "
			"in the %s", kinds[l->kind].what, portal_print(p, name),
			kinds[l->kind].option, where);
}

/* RFC 2610 3, 4. Of two lists the first, but for one that is mandatory. */
static void
take_slp(struct leases *l, const struct boot_info *b, const char *where)
{
	l->info.slp_no_multicast |= b->slp_no_multicast;
	if (!*b->slp_scopes || (*l->info.slp_scopes &&
	    (l->info.slp_scopes_must || !b->slp_scopes_must)))
		return;
	memcpy(l->info.slp_scopes, b->slp_scopes, sizeof(b->slp_scopes));
	l->info.slp_scopes_must = b->slp_scopes_must;
	env_log(l->env, LUN_LOG_INFO, "SLP scope %s: by DHCP option 79 in the "
		"%s", b->slp_scopes, where);
}

static void
take_lease(void *user, const struct boot_info *b, int r, const char *where,
	   const struct lun_error *why)
{
	struct leases *l = user;

	str_add(&l->looked_at, "%s%s", l->looked_at.len > 0 ? "; " : "",
		r < 0 && why->code == LUN_ESYS ? why->text : where);
	/* A root path that is wrong does not matter here. */
	for (size_t i = 0; i < b->n_services; i++)
		if (b->services[i].kind == l->kind)
			add_service(l, &b->services[i].portal, where);
	if (l->kind == BOOT_SLP)
		take_slp(l, b, where);
}

void
leases_read(struct leases *l, enum boot_service_kind kind,
	    const struct lun_env *env)
{
	*l = (struct leases){
		.kind = kind,
		.env = env,
		.looked_at = STR_INIT(LOOKED_AT_MAX),
	};
	boot_file_each_lease(take_lease, l);
	if (l->looked_at.len == 0)
		str_add(&l->looked_at, "there is none");
}

void
leases_deinit(struct leases *l)
{
	str_deinit(&l->looked_at);
}
