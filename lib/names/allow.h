/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which of the portals that were discovered may be contacted: ranges of
 * addresses and DNS domains (RFC 4018 6). Whoever can make things up on the
 * network could otherwise let us knock at any door.
 */
#ifndef NAMES_ALLOW_H
#define NAMES_ALLOW_H

#include "names/portal.h"

enum { ALLOW_MAX = 16, ALLOW_DOMAIN_MAX = 64 };

struct allow {
	size_t n;			/* 0: all of them */
	struct allow_rule {
		char domain[ALLOW_DOMAIN_MAX];	/* "": addresses */
		uint8_t address[16];	/* IPv4 ones are mapped */
		uint8_t bits;
	} rules[ALLOW_MAX];
};

/* "192.0.2.0/24,2001:db8::/32,example.com": an address alone is that one, a
 * domain includes all below it. LUN_EINVAL. */
int allow_parse(struct allow *a, const char *list, struct lun_error *err);

/* A host name is only allowed by its domain, whatever its addresses are. */
bool allow_portal(const struct allow *a, const struct portal *p);

#endif
