/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* URLs and names of the public header, made of those of lib/names. */
#include <assert.h>

#include "names/name.h"
#include "names/proxy.h"
#include "names/url.h"
#include "wire/lun.h"

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
lun_name_begins(const char *text)
{
	return iscsi_name_begins(text);
}

bool
lun_name_is_safe(const char *name)
{
	return iscsi_name_safe_component(name);
}
