/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Options: a name, what sets it, and what is allowed, in one table. What is
 * not in it is an operational key, and the key table knows about these.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/str.h"
#include "lun-impl.h"

enum {
	TIMEOUT_DEFAULT	= 30,		/* seconds */
	TIMEOUT_MAX	= 3600,
	ERL_MAX		= 2,		/* RFC 7143 7.1.5 */
	OUTAGE_MAX	= 366 * 86400,
};

/* --------------------------------------------------------- the setters -- */

/* Each returns 0, or negative; with err->text empty the table's text is used. */

static bool
number(const char *text, unsigned long lo, unsigned long hi, unsigned long *out)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;

	unsigned long v = strtoul(text, &end, 0);

	if (errno != 0 || *end != '\0' || v < lo || v > hi)
		return false;
	*out = v;
	return true;
}

static int
set_initiator_name(struct lun_options *o, const char *value,
		   struct lun_error *err)
{
	char name[NAME_MAX_LEN + 1];
	int r = iscsi_name_prepare_stored(value, name, err);

	if (r == 0)
		memcpy(o->initiator_name, name, sizeof(name));
	return r;
}

/* RFC 7143 13.7: it is shown to people. "" is none. */
static int
set_initiator_alias(struct lun_options *o, const char *value,
		    struct lun_error *err)
{
	size_t len = strlen(value);

	if (len > ALIAS_MAX || !str_is_harmless(value, len))
		return LUN_EINVAL;
	memcpy(o->initiator_alias, value, len + 1);
	o->alias_set = true;
	return 0;
}

static int
set_auth(struct lun_options *o, const char *value, struct lun_error *err)
{
	if (strcasecmp(value, "none") == 0)
		o->auth.method = AUTH_NONE;
	else if (strcasecmp(value, "chap") == 0)
		o->auth.method = AUTH_CHAP;
	else
		return LUN_EINVAL;
	o->method_set = true;
	return 0;
}

static int
set_algorithms(struct lun_options *o, const char *value, struct lun_error *err)
{
	return auth_set_algorithms(&o->auth, value, err);
}

static int
set_user(char user[CHAP_NAME_MAX + 1], const char *value)
{
	size_t len = strlen(value);

	if (len == 0 || len > CHAP_NAME_MAX)
		return LUN_EINVAL;
	memcpy(user, value, len + 1);
	return 0;
}

static int
set_secret(uint8_t secret[CHAP_SECRET_MAX], size_t *secret_len,
	   const char *value)
{
	size_t len = strlen(value);

	if (len == 0 || len > CHAP_SECRET_MAX)
		return LUN_EINVAL;
	memcpy(secret, value, len);
	*secret_len = len;
	return 0;
}

static int
set_username(struct lun_options *o, const char *value, struct lun_error *err)
{
	return set_user(o->auth.username, value);
}

static int
set_password(struct lun_options *o, const char *value, struct lun_error *err)
{
	return set_secret(o->auth.password, &o->auth.password_len, value);
}

static int
set_username_in(struct lun_options *o, const char *value, struct lun_error *err)
{
	int r = set_user(o->auth.username_in, value);

	if (r == 0)
		o->auth.mutual = true;
	return r;
}

static int
set_password_in(struct lun_options *o, const char *value, struct lun_error *err)
{
	int r = set_secret(o->auth.password_in, &o->auth.password_in_len,
			   value);

	if (r == 0)
		o->auth.mutual = true;
	return r;
}

/* A digest list with the RFC's spelling: our values are in lower case. */
static int
set_digest(struct lun_options *o, const char *key, const char *value,
	   struct lun_error *err)
{
	static const char *const words[] = { "None", "CRC32C" };
	char list[64];

	if (strlen(value) >= sizeof(list))
		return LUN_EINVAL;
	strcpy(list, value);
	for (char *p = list; *p; p += *p == ',') {
		size_t len = strcspn(p, ",");

		for (size_t i = 0; i < 2; i++)
			if (len == strlen(words[i]) &&
			    strncasecmp(p, words[i], len) == 0)
				memcpy(p, words[i], len);
		p += len;
	}
	return offer_set(&o->offer, key, list, NULL);
}

static int
set_header_digest(struct lun_options *o, const char *value,
		  struct lun_error *err)
{
	return set_digest(o, "HeaderDigest", value, err);
}

static int
set_data_digest(struct lun_options *o, const char *value,
		struct lun_error *err)
{
	return set_digest(o, "DataDigest", value, err);
}

static int
set_connections(struct lun_options *o, const char *value, struct lun_error *err)
{
	unsigned long n;

	if (!number(value, 1, 16, &n))
		return LUN_EINVAL;
	o->offer.values.MaxConnections = (uint32_t)n;
	return 0;
}

static int
set_erl(struct lun_options *o, const char *value, struct lun_error *err)
{
	unsigned long n;

	if (!number(value, 0, ERL_MAX, &n))
		return LUN_EINVAL;
	o->offer.values.ErrorRecoveryLevel = (uint32_t)n;
	return 0;
}

static int
set_timeout(struct lun_options *o, const char *value, struct lun_error *err)
{
	unsigned long n;

	if (!number(value, 1, TIMEOUT_MAX, &n))
		return LUN_EINVAL;
	o->timeout = (lun_time)n * TIME_S;
	return 0;
}

static int
set_outage(struct lun_options *o, const char *value, struct lun_error *err)
{
	unsigned long n;

	if (strcmp(value, "fail") == 0) {
		o->outage = OUTAGE_FAIL;
		return 0;
	}
	if (strcmp(value, "wait") == 0)
		o->outage_time = TIME_NEVER;
	else if (strncmp(value, "wait:", 5) == 0 &&
		 number(value + 5, 1, OUTAGE_MAX, &n))
		o->outage_time = (lun_time)n * TIME_S;
	else
		return LUN_EINVAL;
	o->outage = OUTAGE_WAIT;
	return 0;
}

static int
yes_or_no(bool *out, const char *value)
{
	if (strcasecmp(value, "yes") == 0)
		*out = true;
	else if (strcasecmp(value, "no") == 0)
		*out = false;
	else
		return LUN_EINVAL;
	return 0;
}

static int
set_target_reset(struct lun_options *o, const char *value, struct lun_error *err)
{
	return yes_or_no(&o->target_reset, value);
}

static int
set_read_only(struct lun_options *o, const char *value, struct lun_error *err)
{
	return yes_or_no(&o->read_only, value);
}

static int
set_isid(struct lun_options *o, const char *value, struct lun_error *err)
{
	unsigned long n;

	if (!number(value, 0, 0xffffff, &n))
		return LUN_EINVAL;
	o->isid = (uint32_t)n;
	o->isid_set = true;
	return 0;
}

static int
set_proxy(struct lun_options *o, const char *value, struct lun_error *err)
{
	if (strcmp(value, "none") != 0)
		return proxy_parse(&o->proxy, value, err);
	secret_wipe(&o->proxy, sizeof(o->proxy));
	return 0;
}

int
option_word(const char *const words[], const char *word)
{
	for (int i = 0; words[i]; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	return -1;
}

static int
set_rewrite(struct lun_options *o, const char *value, struct lun_error *err)
{
	static const char *const words[] = {
		[REWRITE_AUTO] = "auto", [REWRITE_ALWAYS] = "always",
		[REWRITE_NEVER] = "never", NULL,
	};
	int i = option_word(words, value);

	if (i < 0)
		return LUN_EINVAL;
	o->portal_rewrite = (enum portal_rewrite)i;
	return 0;
}

/* ----------------------------------------------------------- the table -- */

static const struct option {
	const char *name;
	option_setter *set;
	bool secret;			/* its value is not repeated */
	const char *allowed;
} table[] = {
	{ "initiator-name", set_initiator_name, false,
	  "an iqn., eui. or naa. name" },
	{ "initiator-alias", set_initiator_alias, false,
	  "at most 255 bytes of text, no control characters or '\\'" },
	{ "auth", set_auth, false, "none or chap" },
	{ "chap-algorithms", set_algorithms, false,
	  "a list of sha3-256, sha256, sha1, md5" },
	{ "username", set_username, false, "1 to 255 bytes" },
	{ "password", set_password, true, "1 to 255 bytes" },
	{ "username-in", set_username_in, false, "1 to 255 bytes" },
	{ "password-in", set_password_in, true, "1 to 255 bytes" },
	{ "header-digest", set_header_digest, false,
	  "none, crc32c, or both by preference" },
	{ "data-digest", set_data_digest, false,
	  "none, crc32c, or both by preference" },
	{ "connections", set_connections, false, "1 to 16" },
	{ "erl", set_erl, false, "0, 1 or 2" },
	{ "timeout", set_timeout, false, "1 to 3600 seconds" },
	{ "outage", set_outage, false, "wait, wait:SECONDS or fail" },
	{ "target-reset", set_target_reset, false, "yes or no" },
	{ "read-only", set_read_only, false, "yes or no" },
	{ "isid", set_isid, false, "0 to 0xffffff" },
	{ "portal-rewrite", set_rewrite, false, "auto, always or never" },
	{ "proxy", set_proxy, true,
	  "none or socks5://[user:password@]host[:port]" },
	{ "discovery-allow", set_discovery_allow, false, "a list" },
	{ "slp-query", slp_set_query, false,
	  "access, credentials, boot or all" },
	{ "slp-agents", slp_set_agents, false, "a list of addresses" },
	{ "slp-search", slp_set_search, false,
	  "multicast, broadcast or none" },
	{ "slp-interfaces", slp_set_interfaces, false,
	  "a list of network interfaces" },
	{ "slp-ttl", slp_set_ttl, false, "1 to 255" },
	{ "slp-wait", slp_set_wait, false, "1 to 300 seconds" },
};

static const struct option *
find(const char *name)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}

static int
set_key(struct lun_options *o, const char *key, const char *value,
	struct lun_error *err)
{
	if (strcmp(key, "ErrorRecoveryLevel") == 0)	/* it has its bound there */
		return lun_options_set(o, "erl", value, err);

	int r = offer_set(&o->offer, key, value, err);

	if (r == 0 && strcmp(key, "FirstBurstLength") == 0)
		o->first_burst_set = true;
	return r;
}

int
lun_options_set(struct lun_options *o, const char *name, const char *value,
		struct lun_error *err)
{
	const struct option *option = find(name);
	struct lun_error why = { 0 };

	if (!option && isupper((unsigned char)*name))
		return set_key(o, name, value, err);
	if (!option)
		return lun_fail(err, LUN_EINVAL, "%s: no such option", name);

	int r = option->set(o, value, &why);

	if (r == 0)
		return 0;
	if (r == LUN_ENOMEM)
		return lun_fail(err, r, "%s: out of memory", name);
	if (why.text[0] != '\0')
		return lun_fail(err, LUN_EINVAL, "%s: %s", name, why.text);
	if (option->secret)
		return lun_fail(err, LUN_EINVAL, "%s: must be %s", name,
				option->allowed);
	return lun_fail(err, LUN_EINVAL, "%s: %.100s: must be %s", name, value,
			option->allowed);
}

/* ------------------------------------------------------------ together -- */

void
options_auth(const struct lun_options *o, struct auth_config *auth)
{
	*auth = o->auth;
	if (!o->method_set)
		auth->method = auth->username[0] || auth->password_len > 0 ?
			AUTH_CHAP : AUTH_NONE;
}

static int
check_auth(const struct auth_config *a, const char **warning,
	   struct lun_error *err)
{
	const char *w = NULL;

	if (a->method == AUTH_CHAP && a->username[0] == '\0')
		return lun_fail(err, LUN_EINVAL, "chap: no username");
	if (a->method == AUTH_CHAP && a->password_len == 0)
		return lun_fail(err, LUN_EINVAL, "chap: no password");
	if (a->mutual && a->password_in_len == 0)
		return lun_fail(err, LUN_EINVAL,
				"chap: username-in without password-in");

	int r = auth_check(a, &w, err);

	if (r < 0)
		return r;
	if (a->method == AUTH_NONE && a->username[0] != '\0')
		w = "credentials are not used, since auth is none";
	if (warning)
		*warning = w;
	return 0;
}

/* RFC 7143 13.14: FirstBurstLength MUST NOT exceed MaxBurstLength */
static int
check_offer(const struct lun_options *o, struct lun_error *err)
{
	const struct params *p = &o->offer.values;

	if (o->first_burst_set && p->FirstBurstLength > p->MaxBurstLength)
		return lun_fail(err, LUN_EINVAL,
				"FirstBurstLength %u: above MaxBurstLength %u",
				p->FirstBurstLength, p->MaxBurstLength);
	return 0;
}

int
lun_options_check(const struct lun_options *o, const char **warning,
		  struct lun_error *err)
{
	struct auth_config auth;

	options_auth(o, &auth);

	int r = check_auth(&auth, warning, err);

	auth_wipe(&auth);
	return r < 0 ? r : check_offer(o, err);
}

int
lun_options_new(struct lun_options **out, struct lun_error *err)
{
	struct lun_options *o = calloc(1, sizeof(*o));

	if (!o)
		return lun_fail(err, LUN_ENOMEM, "options: out of memory");
	offer_default(&o->offer);
	o->timeout = TIMEOUT_DEFAULT * TIME_S;
	o->outage = OUTAGE_WAIT;
	o->outage_time = TIME_NEVER;
	*out = o;
	return 0;
}

struct lun_options *
lun_options_free(struct lun_options *o)
{
	if (!o)
		return NULL;
	secret_wipe(o, sizeof(*o));
	free(o);
	return NULL;
}

struct lun_options *
lun_options_clone(const struct lun_options *o)
{
	struct lun_options *copy = malloc(sizeof(*copy));

	if (copy)
		*copy = *o;
	return copy;
}
