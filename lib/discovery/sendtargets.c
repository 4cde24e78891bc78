/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "discovery/sendtargets.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "text/text.h"

/* The record that is being read. */
struct reader {
	struct targets *targets;
	const struct portal *present;
	enum portal_rewrite rewrite;
	bool is_open;			/* it has an acceptable name */
	bool had_address;		/* also one that was no good */
};

size_t
sendtargets_request(char buf[SENDTARGETS_REQUEST_MAX], const char *what)
{
	int n = snprintf(buf, SENDTARGETS_REQUEST_MAX, "SendTargets=%s", what);

	assert(n > 0 && n < SENDTARGETS_REQUEST_MAX);
	return (size_t)n + 1;
}

/* "the IP address and TCP port for this target are the same as those used on
 * the current connection" (RFC 7143 C, examples) */
static int
end_record(struct reader *rd)
{
	const struct portal *p = rd->present;

	if (!rd->is_open || rd->had_address)
		return 0;
	return targets_add_portal(rd->targets, p->host, p->port, p->tpgt);
}

static int
begin_record(struct reader *rd, const struct pair *pair)
{
	int r = end_record(rd);

	if (r < 0)
		return r;
	r = targets_add(rd->targets, pair->key, pair->value);
	rd->is_open = r == 0;
	rd->had_address = false;
	return r;
}

/* RFC 7143 C: domainname[:port],portal-group-tag */
static int
add_address(struct reader *rd, const struct pair *pair)
{
	struct portal p;
	struct lun_error why;

	if (rd->rewrite == REWRITE_ALWAYS)
		return 0;
	rd->had_address = true;
	if (portal_parse_address(&p, pair->value, pair->value_len, &why) < 0) {
		targets_complain(rd->targets, pair->key, pair->value,
				 pair->value_len, why.text);
		return 0;
	}
	if (p.tpgt < 0) {
		targets_complain(rd->targets, pair->key, pair->value,
				 pair->value_len, "no portal group tag");
		return 0;
	}
	return targets_add_portal(rd->targets, portal_is_unspecified(&p) ?
				  rd->present->host : p.host, p.port, p.tpgt);
}

static int
read_records(struct reader *rd, const struct text *text, struct lun_error *err)
{
	struct pair pair;
	size_t pos = 0;
	int r;

	while ((r = text_next(text, &pos, &pair, err)) == TEXT_PAIR) {
		if (strcmp(pair.key, "TargetName") == 0)
			r = begin_record(rd, &pair);
		else if (strcmp(pair.key, "TargetAddress") == 0 && rd->is_open)
			r = add_address(rd, &pair);
		if (r < 0)
			return lun_fail(err, r, "SendTargets: out of memory");
	}
	if (r < 0)
		return lun_fail_in(err, "SendTargets");
	r = end_record(rd);
	return r < 0 ? lun_fail(err, r, "SendTargets: out of memory") : 0;
}

static void
targets_freep(struct targets **t)
{
	targets_free(*t);
}

int
sendtargets_read(struct targets **out, const char *text, size_t len,
		 const struct portal *present, enum portal_rewrite rewrite,
		 const struct lun_env *env, struct lun_error *err)
{
	/* only read */
	const struct text whole = { .data = (char *)text, .len = len };
	_cleanup_(targets_freep) struct targets *t = NULL;
	struct reader rd = { .present = present, .rewrite = rewrite };
	int r = targets_new(&t, "SendTargets", env, err);

	if (r < 0)
		return r;
	rd.targets = t;
	if (rewrite == REWRITE_AUTO)
		targets_asked(t, present);
	if ((r = read_records(&rd, &whole, err)) < 0 ||
	    (r = targets_finish(t, err)) < 0)
		return r;
	*out = take(t);
	return 0;
}
