/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of who is authorized. */
#include "boot/policy.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"

enum { ENTRY_MAX = NAME_INPUT_MAX };

/* The next entry of a list. False at its end. */
static bool
next_entry(const char **list, const char **entry, size_t *len)
{
	*list += strspn(*list, ", ");
	*entry = *list;
	*len = strcspn(*list, ", ");
	*list += *len;
	return *len > 0;
}

/* One entry, prepared: a name, else a host. */
static int
read_entry(const char *s, size_t len, char name[NAME_MAX_LEN + 1],
	   struct portal *p, struct lun_error *err)
{
	char text[ENTRY_MAX + 1];

	name[0] = '\0';
	if (len > ENTRY_MAX)
		return lun_fail(err, LUN_EINVAL, "entry of %zu bytes: too long",
				len);
	memcpy(text, s, len);
	text[len] = '\0';
	if (iscsi_name_begins(text))
		return iscsi_name_prepare(text, name, err);
	return portal_parse_user(p, text, len, err);
}

static bool
same_host(const struct portal *a, const struct portal *b)
{
	struct portal c = *a;

	c.port = b->port;
	return portal_equal(&c, b);
}

int
boot_policy_valid(const char *list, struct lun_error *err)
{
	char name[NAME_MAX_LEN + 1];
	struct portal p;
	const char *s;
	size_t len, n = 0;
	int r = 0;

	for (; r == 0 && next_entry(&list, &s, &len); n++)
		r = read_entry(s, len, name, &p, err);
	return n > 0 ? r : lun_fail(err, LUN_EINVAL, "the list is empty");
}

int
boot_policy_check(const char *list, bool numeric, const char *target,
		  const struct portal *portal, struct lun_error *err)
{
	char name[NAME_MAX_LEN + 1];
	bool names = false, hosts = false, name_ok = false, host_ok = false;
	struct portal p;
	const char *s;
	size_t len;

	if (numeric && portal_host_kind(portal) == HOST_NAME)
		return lun_fail(err, LUN_EREFUSED, "%s: refused: the server is "
				"not named by its address: %s", target,
				portal->host);
	while (list && next_entry(&list, &s, &len)) {
		int r = read_entry(s, len, name, &p, err);

		if (r < 0)
			return r;
		names |= name[0] != '\0';
		hosts |= name[0] == '\0';
		name_ok |= name[0] && iscsi_name_equal(name, target);
		host_ok |= !name[0] && same_host(&p, portal);
	}
	if (names && !name_ok)
		return lun_fail(err, LUN_EREFUSED, "%s: refused: this target is "
				"not among those that are allowed", target);
	if (hosts && !host_ok)
		return lun_fail(err, LUN_EREFUSED, "%s: refused: its server %s "
				"is not among those that are allowed", target,
				portal->host);
	return 0;
}

bool
boot_policy_dhcp(const char *list, const uint8_t server[4])
{
	char text[INET_ADDRSTRLEN];
	const char *s;
	size_t len;

	if (!list)
		return true;
	inet_ntop(AF_INET, server, text, sizeof(text));
	while (next_entry(&list, &s, &len))
		if (len == strlen(text) && memcmp(s, text, len) == 0)
			return true;
	return false;
}
