/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* URLs and names of the public header, made of those of lib/names. */
#include <assert.h>
#include <string.h>

#include "names/name.h"
#include "names/proxy.h"
#include "names/url.h"
#include "wire/lun.h"

static void
take_portal(struct lun_url *out, const struct url *u)
{
	static_assert(sizeof(out->host) == sizeof(u->portal.host), "same");
	memcpy(out->host, u->portal.host, sizeof(out->host));
	out->port = u->portal.port;
}

static void
take_credentials(struct lun_url *out, const struct url *u)
{
	static_assert(sizeof(out->username) == sizeof(u->user), "same");
	static_assert(sizeof(out->password) == sizeof(u->password), "same");
	memcpy(out->username, u->user, sizeof(out->username));
	memcpy(out->password, u->password, sizeof(out->password));
}

static void
convert(struct lun_url *out, const struct url *u)
{
	static const enum lun_url_kind kinds[] = {
		[URL_PORTAL]	= LUN_URL_PORTAL,
		[URL_TARGET]	= LUN_URL_TARGET,
		[URL_LUN]	= LUN_URL_LUN,
		[URL_UNLOCATED]	= LUN_URL_UNLOCATED,
		[URL_ISNS]	= LUN_URL_ISNS,
		[URL_SLP]	= LUN_URL_SLP,
		[URL_FILE]	= LUN_URL_FILE,
	};

	/* What a kind has not is empty there, too. */
	static_assert(sizeof(out->target) == sizeof(u->target), "same");
	static_assert(sizeof(out->scope) == sizeof(u->scope), "same");
	*out = (struct lun_url){
		.kind = kinds[u->kind],
		.lun = u->lun,
		.path = u->path,
	};
	memcpy(out->target, u->target, sizeof(out->target));
	memcpy(out->scope, u->scope, sizeof(out->scope));
	take_portal(out, u);
	take_credentials(out, u);
}

int
lun_url_parse(struct lun_url *url, const char *text, struct lun_error *err)
{
	struct url u;
	int r = url_parse(&u, text, err);

	if (r == 0)
		convert(url, &u);
	url_wipe(&u);
	return r;
}

bool
lun_url_blank_password(char *text)
{
	return proxy_blank_password(text) || url_blank_password(text);
}

char *
lun_name(uint64_t lun, char buf[LUN_NAME_MAX])
{
	static_assert((int)LUN_NAME_MAX >= (int)LUN_TEXT_MAX, "fits");
	return lun_print(lun, buf);
}

int
lun_iscsi_name(const char *name, char out[224], struct lun_error *err)
{
	static_assert(NAME_MAX_LEN + 1 == 224, "same");
	return iscsi_name_prepare(name, out, err);
}

int
lun_iscsi_name_stored(const char *name, char out[224], struct lun_error *err)
{
	return iscsi_name_prepare_stored(name, out, err);
}

bool
lun_name_is_safe(const char *name)
{
	return iscsi_name_safe_component(name);
}
