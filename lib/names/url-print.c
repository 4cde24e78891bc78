/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* URLs as one would type them. */
#include <stdio.h>
#include <string.h>

#include "names/url.h"
#include "wire/lun.h"

/* The host, the zone of which stands behind "%25" (RFC 6874), and the port
 * unless it is the usual one. Returns the new length. */
static size_t
put_host(char *out, size_t n, const struct lun_url *u, uint16_t usual)
{
	bool v6 = strchr(u->host, ':');
	size_t len = strcspn(u->host, "%");
	const char *zone = u->host[len] ? &u->host[len + 1] : "";

	n += (size_t)sprintf(out + n, "%s%.*s%s%s%s", v6 ? "[" : "", (int)len,
			     u->host, *zone ? "%25" : "", zone, v6 ? "]" : "");
	if (u->port && u->port != usual)
		n += (size_t)sprintf(out + n, ":%u", u->port);
	return n;
}

/* The escapes of SLP become those of URLs. */
static void
put_scopes(char *out, size_t n, const char *scope)
{
	if (!*scope)
		return;
	n += (size_t)sprintf(out + n, "?scope=");
	for (; *scope; scope++)
		if (*scope == '\\')
			out[n++] = '%';
		else if (strchr("%&#", *scope))
			n += (size_t)sprintf(out + n, "%%%02X", *scope);
		else
			out[n++] = *scope;
	out[n] = '\0';
}

/* RFC 4173 5 */
static void
put_root_path(char *out, const struct lun_url *u)
{
	snprintf(out, LUN_URL_TEXT_MAX, "iscsi::::%x-%x-%x-%x:%s",
		 (unsigned)(u->lun >> 48) & 0xffff,
		 (unsigned)(u->lun >> 32) & 0xffff,
		 (unsigned)(u->lun >> 16) & 0xffff,
		 (unsigned)u->lun & 0xffff, u->target);
}

char *
lun_url_print(const struct lun_url *u, char out[LUN_URL_TEXT_MAX])
{
	static const char iscsi[] = "iscsi://", isns[] = "isns://",
			  slp[] = "slp://";
	char lun[LUN_TEXT_MAX];
	size_t n;

	switch (u->kind) {
	case LUN_URL_PORTAL:
	case LUN_URL_TARGET:
	case LUN_URL_LUN:
		n = put_host(strcpy(out, iscsi), strlen(iscsi), u, LUN_PORT);
		if (u->kind != LUN_URL_PORTAL)
			n += (size_t)sprintf(out + n, "/%s", u->target);
		if (u->kind == LUN_URL_LUN)
			sprintf(out + n, "/%s", lun_print(u->lun, lun));
		break;
	case LUN_URL_ISNS:
		strcpy(out, isns);
		if (u->host[0])
			put_host(out, strlen(isns), u, LUN_ISNS_PORT);
		break;
	case LUN_URL_SLP:
		n = strlen(strcpy(out, slp));
		if (u->host[0])
			n = put_host(out, n, u, LUN_SLP_PORT);
		put_scopes(out, n, u->scope);
		break;
	case LUN_URL_FILE:
		snprintf(out, LUN_URL_TEXT_MAX, "file:%s", u->path);
		break;
	case LUN_URL_UNLOCATED:
		put_root_path(out, u);
		break;
	}
	return out;
}
