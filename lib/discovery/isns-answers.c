/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the answer to each request means, and which step comes next.
 *
 * A server that leads us in circles while we walk through its nodes is found
 * out by a mark, a name that we came by: it is moved on each time that the
 * number of nodes has doubled, so a circle of any length comes back to it.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "discovery/isns-impl.h"

/* --------------------------------------------------------------- refusals -- */

static int
bad_status(struct isns *c, uint32_t status)
{
	char buf[24];
	int code = status == ISNS_NO_SUCH_ENTRY ? LUN_ENOTFOUND :
		   status == ISNS_VERSION_NOT_SUPPORTED ? LUN_EPROTO :
		   LUN_EREFUSED;

	return lun_fail(&c->err, code, "%s: the server says: %s (%" PRIu32 ")",
			isns_step_name(c), isns_status_name(status, buf),
			status);
}

/* Those that mean that the server does not know, or not serve, us. */
static bool
is_unknown(uint32_t status)
{
	return status == ISNS_SOURCE_UNKNOWN ||
	       status == ISNS_SOURCE_ABSENT ||
	       status == ISNS_SOURCE_UNAUTHORIZED;
}

/* It goes on without; said once. */
static void
tell_refused(struct isns *c, uint32_t status)
{
	char buf[24];

	env_log(c->config.env, c->told ? LUN_LOG_DEBUG : LUN_LOG_WARNING,
		"iSNS: %s: the server says: %s (%" PRIu32 ")%s",
		isns_step_name(c), isns_status_name(status, buf), status,
		c->config.watch ? ": changes are seen late" : "");
	c->told = true;
}

/* --------------------------------------------------------------- reading -- */

/* Where the operating attributes begin. */
static size_t
operating(const struct isns_message *m, size_t pos)
{
	struct isns_attr a;
	size_t at = pos;

	while (isns_attr_next(m, &at, &a, NULL) == ISNS_ATTR)
		if (a.tag == ISNS_DELIMITER)
			return at;
	return pos;
}

/* A text of the server's that fits; "" if it does not. */
void
isns_take_text(char *out, size_t size, const struct isns_attr *a)
{
	size_t len = isns_text_len(a);

	if (len >= size)
		len = 0;
	memcpy(out, a->value, len);
	out[len] = '\0';
}

/* ------------------------------------------------------------ the list -- */

void
isns_drop_names(struct isns *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->names[i]);
	free(c->names);
	c->names = NULL;
	c->n = c->size = c->next = 0;
	c->n_walked = 0;
	c->walked[0] = c->mark[0] = '\0';
}

static int
new_list(struct isns *c)
{
	c->targets = targets_free(c->targets);
	return targets_new(&c->targets, "iSNS", c->config.env, &c->err);
}

/* All of it is there. */
static int
list_is_complete(struct isns *c)
{
	int r = targets_finish(c->targets, &c->err);

	isns_drop_names(c);
	if (r < 0)
		return r;
	targets_free(c->list);
	c->list = take(c->targets);
	c->config.changed(c->config.user);
	return !c->config.watch && c->registered ? ISNS_LEAVE : ISNS_REST;
}

static int
add_name(struct isns *c, const char *name)
{
	char **names = array_grow(c->names, c->n, &c->size, sizeof(*names));

	if (names)
		c->names = names;
	if (!names || !(names[c->n] = strdup(name)))
		return LUN_ENOMEM;
	c->n++;
	return 0;
}

/* ------------------------------------------------------- registration -- */

int
isns_on_self(struct isns *c, uint32_t status,
	     const struct isns_message *m, size_t pos)
{
	char eid[ISNS_EID_MAX + 1] = "";
	struct isns_attr a;
	bool found = false;
	int r = 0;

	if (status != ISNS_OK && status != ISNS_NO_SUCH_ENTRY &&
	    !is_unknown(status))
		return bad_status(c, status);
	pos = operating(m, pos);
	while (status == ISNS_OK &&
	       (r = isns_attr_next(m, &pos, &a, &c->err)) == ISNS_ATTR) {
		found |= a.tag == ISNS_NAME && !a.null;
		if (a.tag == ISNS_EID)
			isns_take_text(eid, sizeof(eid), &a);
	}
	if (r < 0)
		return r;
	if (c->registered && !found) {	/* RFC 4171 6.3.4 */
		if (!c->esi_came)	/* it may not reach us */
			c->wants_esi = false;
		return lun_fail(&c->err, LUN_ELOST, "the server does not know "
				"us any more");
	}
	if (c->registered)
		return ISNS_QUERY;
	if (!found || !eid[0])
		c->node_is_ours = true;
	memcpy(c->eid, eid, sizeof(c->eid));
	return ISNS_REGISTER;
}

int
isns_on_registered(struct isns *c, uint32_t status,
		   const struct isns_message *m, size_t pos)
{
	struct isns_attr a;
	int r;

	c->tried = true;
	if (status != ISNS_OK && c->wants_esi) {
		c->wants_esi = false;	/* RFC 4171 6.3.4: "ESI Not Available",
					   or something less plain */
		return ISNS_REGISTER;
	}
	if (status != ISNS_OK && (c->config.watch || c->targets)) {
		tell_refused(c, status);
		return c->config.watch ? ISNS_QUERY : list_is_complete(c);
	}
	if (status != ISNS_OK)
		return bad_status(c, status);
	/* RFC 4171 5.7.5.1: what the server chose, wherever it stands */
	while ((r = isns_attr_next(m, &pos, &a, &c->err)) == ISNS_ATTR) {
		if (a.tag == ISNS_EID && !a.null)
			isns_take_text(c->eid, sizeof(c->eid), &a);
		if (a.tag == ISNS_REGISTRATION_PERIOD)
			c->period = a.number;
	}
	if (r < 0)
		return r;
	c->registered = true;
	return c->config.watch && c->portal.port != 0 ? ISNS_WATCH :
							ISNS_QUERY;
}

int
isns_on_watched(struct isns *c, uint32_t status,
		const struct isns_message *m, size_t pos)
{
	if (status != ISNS_OK)
		tell_refused(c, status);
	return ISNS_QUERY;
}

int
isns_on_left(struct isns *c, uint32_t status,
	     const struct isns_message *m, size_t pos)
{
	c->registered = false;
	if (status != ISNS_OK)
		tell_refused(c, status);
	return ISNS_REST;
}

/* -------------------------------------------------------------- queries -- */

/* It was not tried so far, and may show more then. */
static int
register_us(struct isns *c)
{
	c->node_is_ours = true;
	return ISNS_REGISTER;
}

int
isns_on_queried(struct isns *c, uint32_t status,
		const struct isns_message *m, size_t pos)
{
	struct isns_found found = { 0 };
	int r = new_list(c);

	if (r < 0)
		return r;
	if (is_unknown(status) && !c->tried) {
		c->targets = targets_free(c->targets);
		return register_us(c);
	}
	if (status == ISNS_INTERNAL_ERROR && !c->target[0])
		return ISNS_WALK;
	if (status != ISNS_OK && status != ISNS_NO_SUCH_ENTRY)
		return bad_status(c, status);
	if (status == ISNS_OK)
		r = isns_nodes_read(c->targets, m, operating(m, pos),
				    c->source, &found, &c->err);
	if (r < 0)
		return r;
	/* Perhaps it shows nothing to those who are not registered. */
	if (found.targets == 0 && !found.self && !c->tried)
		return register_us(c);
	return list_is_complete(c);
}

static int
each(struct isns *c)
{
	return c->next < c->n ? ISNS_EACH : list_is_complete(c);
}

/* A member of a domain; we are one ourselves. */
static int
add_member(struct isns *c, const struct isns_attr *a)
{
	char name[NAME_INPUT_MAX + 1], prepared[NAME_MAX_LEN + 1];
	struct lun_error why;

	isns_take_text(name, sizeof(name), a);
	if (iscsi_name_prepare(name, prepared, &why) < 0) {
		targets_complain(c->targets, "member of a domain", name,
				 strlen(name), why.text);
		return 0;
	}
	if (strcmp(prepared, c->source) == 0)
		return 0;
	if (c->n == ISNS_NODES_MAX || add_name(c, prepared) < 0)
		return lun_fail(&c->err, LUN_ENOMEM, "domains: more than %d "
				"members, or out of memory", ISNS_NODES_MAX);
	return 0;
}

/* The end of a domain: only the members of boot lists are kept. */
static void
end_domain(struct isns *c, size_t first, bool boot)
{
	while (!boot && c->n > first)
		free(c->names[--c->n]);
}

/* RFC 4171 6.11.2.9: each domain begins with its id; features and members come
 * in any order. */
static int
take_domains(struct isns *c, const struct isns_message *m, size_t pos)
{
	struct isns_attr a;
	size_t first = 0;
	bool boot = false;
	int r;

	while ((r = isns_attr_next(m, &pos, &a, &c->err)) == ISNS_ATTR) {
		if (a.tag == ISNS_DD_ID) {
			end_domain(c, first, boot);
			first = c->n;
			boot = false;
		}
		if (a.tag == ISNS_DD_FEATURES)
			boot = a.number & ISNS_BOOT_LIST;
		if (a.tag == ISNS_DD_MEMBER && !a.null &&
		    add_member(c, &a) < 0)
			return c->err.code;
	}
	end_domain(c, first, boot);
	return r;
}

int
isns_on_domains(struct isns *c, uint32_t status,
		const struct isns_message *m, size_t pos)
{
	bool strange = is_unknown(status);
	int r = new_list(c);

	if (r < 0)
		return r;
	if (status == ISNS_OK)
		r = take_domains(c, m, operating(m, pos));
	else if (status != ISNS_NO_SUCH_ENTRY && !strange)
		r = bad_status(c, status);
	if (r < 0)
		return r;
	/* Perhaps it has no domains for those who are not registered. */
	if (c->n == 0 && !c->tried)
		return register_us(c);
	return strange ? bad_status(c, status) : each(c);
}

/* A node that we came by. */
static int
take_node(struct isns *c, const char *name, uint32_t type)
{
	char prepared[NAME_MAX_LEN + 1];
	struct lun_error why;
	int r = 0;

	if (!name[0])
		return lun_fail(&c->err, LUN_EPROTO, "DevGetNext: a node "
				"without a name that fits");
	if (strcmp(name, c->walked) == 0 || strcmp(name, c->mark) == 0)
		return lun_fail(&c->err, LUN_EPROTO, "DevGetNext leads in "
				"circles");
	if (++c->n_walked > ISNS_NODES_MAX)
		return lun_fail(&c->err, LUN_ENOMEM, "DevGetNext: more than %d "
				"nodes", ISNS_NODES_MAX);
	if ((c->n_walked & (c->n_walked - 1)) == 0)
		memcpy(c->mark, name, sizeof(c->mark));
	memcpy(c->walked, name, sizeof(c->walked));
	if (!(type & ISNS_TYPE_TARGET))
		return ISNS_WALK;

	/* RFC 4171 5.6.2: the key of a query is a prepared name */
	if (iscsi_name_prepare(name, prepared, &why) < 0)
		targets_complain(c->targets, "iSCSI name", name, strlen(name),
				 why.text);
	else
		r = add_name(c, prepared);
	return r < 0 ? lun_fail(&c->err, r, "targets: out of memory") :
		       ISNS_WALK;
}

int
isns_on_walked(struct isns *c, uint32_t status,
	       const struct isns_message *m, size_t pos)
{
	char name[sizeof(c->walked)] = "";
	struct isns_attr a;
	uint32_t type = 0;
	int r;

	if (status == ISNS_NO_SUCH_ENTRY)	/* RFC 4171 5.6.5.3: the end */
		return each(c);
	if (status != ISNS_OK)
		return bad_status(c, status);
	while ((r = isns_attr_next(m, &pos, &a, &c->err)) == ISNS_ATTR) {
		if (a.tag == ISNS_NAME && !name[0])
			isns_take_text(name, sizeof(name), &a);
		if (a.tag == ISNS_NODE_TYPE)
			type = a.number;
	}
	return r < 0 ? r : take_node(c, name, type);
}

int
isns_on_each(struct isns *c, uint32_t status,
	     const struct isns_message *m, size_t pos)
{
	const char *name = c->names[c->next++];
	struct isns_found found;
	char buf[24];
	int r;

	if (status == ISNS_OK) {
		r = isns_nodes_read(c->targets, m, operating(m, pos),
				    c->source, &found, &c->err);
		if (r < 0)
			return r;
	} else if (status != ISNS_NO_SUCH_ENTRY) {
		targets_complain(c->targets, "iSCSI name", name, strlen(name),
				 isns_status_name(status, buf));
	}
	return each(c);
}
