/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Boot information: how root paths and services get into it. */
#include "boot/info.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/str.h"

/* An error that shows the root path, or as much of it as can be shown: what
 * stands before an "@" may be a login. */
static int
refuse(struct lun_error *err, int code, const char *text, size_t len,
       const char *why)
{
	struct str s = STR_INIT(160);
	const char *at = memrchr(text, '@', len);

	if (at) {
		len -= (size_t)(at - text);
		text = at;
	}
	str_quote(&s, text, len);
	lun_fail(err, code, "root path %s: %s", str_text(&s), why);
	str_deinit(&s);
	return code;
}

int
boot_add_root_path(struct boot_info *b, const void *p, size_t len,
		   struct lun_error *err)
{
	char text[BOOT_ROOT_PATH_MAX + 1];

	/* RFC 2132 2: a null at the end is not counted on, and no part of it */
	while (len > 0 && ((const char *)p)[len - 1] == '\0')
		len--;
	if (len < 6 || memcmp(p, "iscsi:", 6) != 0)
		return BOOT_NOTHING;
	if (len > BOOT_ROOT_PATH_MAX)
		return refuse(err, LUN_EINVAL, p, len, "too long");
	if (memchr(p, '\0', len))
		return refuse(err, LUN_EINVAL, p, len, "a null within it");
	if (b->n_targets == BOOT_TARGETS_MAX)
		return refuse(err, LUN_ENOMEM, p, len, "one too many");
	memcpy(text, p, len);
	text[len] = '\0';

	struct lun_url url;
	int r = url_parse_root_path(&url, text, err);

	if (r < 0)
		return r;
	b->targets[b->n_targets++] = (struct boot_target){ .url = url };
	return 0;
}

int
boot_set_login(struct boot_target *t,
	       const char *const login[BOOT_LOGIN_FIELDS],
	       struct lun_error *err)
{
	const struct {
		char *to;
		size_t size;
		const char *what;
	} fields[BOOT_LOGIN_FIELDS] = {
		[BOOT_USER] = { t->url.username, sizeof(t->url.username), "user" },
		[BOOT_PASSWORD] = { t->url.password, sizeof(t->url.password),
				    "password" },
		[BOOT_USER_IN] = { t->user_in, sizeof(t->user_in),
				   "user of the target" },
		[BOOT_PASSWORD_IN] = { t->password_in, sizeof(t->password_in),
				       "password of the target" },
	};

	for (size_t i = 0; i < BOOT_LOGIN_FIELDS; i++) {
		if (strlen(login[i]) >= fields[i].size)
			return lun_fail(err, LUN_EINVAL, "%s: longer than %zu "
					"bytes", fields[i].what,
					fields[i].size - 1);
		strcpy(fields[i].to, login[i]);
	}
	return 0;
}

/* Anybody, nobody, everybody and ourselves are no servers. */
static bool
is_host4(const uint8_t a[4])
{
	return a[0] != 0 && a[0] != 127 && a[0] < 224;
}

void
boot_add_service(struct boot_info *b, enum boot_service_kind kind,
		 const struct portal *portal)
{
	for (size_t i = 0; i < b->n_services; i++)
		if (b->services[i].kind == kind &&
		    portal_equal(&b->services[i].portal, portal))
			return;
	if (b->n_services < BOOT_SERVICES_MAX)
		b->services[b->n_services++] =
			(struct boot_service){ kind, *portal };
}

void
boot_add_service4(struct boot_info *b, enum boot_service_kind kind,
		  const uint8_t address[4], uint16_t port)
{
	struct portal p = { .port = port, .tpgt = -1 };

	if (!is_host4(address))
		return;
	inet_ntop(AF_INET, address, p.host, sizeof(p.host));
	boot_add_service(b, kind, &p);
}

void
boot_info_wipe(struct boot_info *b)
{
	secret_wipe(b, sizeof(*b));
}
