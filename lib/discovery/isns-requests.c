/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What each request says (RFC 4171 5.6): source, keys, delimiter, operating
 * attributes. Names in it are prepared ones, all but the key of DevGetNext,
 * which is the server's own.
 *
 * Only our own objects are registered, without the replace flag, and as an
 * initiator: it never makes a control node of us (RFC 4171 6.4.2), nor does it
 * ask for management SCNs (5.6.5.5).
 */
#include "discovery/isns-impl.h"

enum {
	PERIOD	= 600,			/* seconds, RFC 4171 6.2.6 */
	ESI_INTERVAL = 60,
};

static void
put_source(const struct isns *c, struct str *out)
{
	isns_add_text(out, ISNS_NAME, c->source);	/* RFC 4171 5.6.1 */
}

static void
put_delimiter(struct str *out)
{
	isns_add(out, ISNS_DELIMITER, NULL, 0);		/* RFC 4171 5.6.3 */
}

/* RFC 4171 6.2.6: also keeps a registration alive. */
void
isns_put_self(const struct isns *c, struct str *out)
{
	put_source(c, out);
	isns_add_text(out, ISNS_NAME, c->source);
	put_delimiter(out);
	isns_add(out, ISNS_EID, NULL, 0);
	isns_add(out, ISNS_NAME, NULL, 0);
}

static void
put_portal_key(const struct isns *c, struct str *out)
{
	isns_add(out, ISNS_PORTAL_ADDRESS, c->portal.address,
		 ISNS_ADDRESS_LEN);
	isns_add32(out, ISNS_PORTAL_PORT, c->portal.port);
}

/* RFC 4171 5.6.5.1, in the order of 5.6.4. */
void
isns_put_registration(const struct isns *c, struct str *out)
{
	put_source(c, out);
	if (c->eid[0])
		isns_add_text(out, ISNS_EID, c->eid);
	put_delimiter(out);
	if (c->eid[0])
		isns_add_text(out, ISNS_EID, c->eid);
	else
		isns_add(out, ISNS_EID, NULL, 0);
	if (c->node_is_ours) {
		isns_add32(out, ISNS_ENTITY_PROTOCOL, ISNS_PROTOCOL_ISCSI);
		isns_add32(out, ISNS_REGISTRATION_PERIOD, PERIOD);
		isns_add_text(out, ISNS_NAME, c->source);
		isns_add32(out, ISNS_NODE_TYPE, ISNS_TYPE_INITIATOR);
		if (c->alias[0])
			isns_add_text(out, ISNS_ALIAS, c->alias);
	}
	if (c->portal.port == 0)
		return;
	put_portal_key(c, out);
	if (c->wants_esi) {
		isns_add32(out, ISNS_ESI_INTERVAL, ESI_INTERVAL);
		isns_add32(out, ISNS_ESI_PORT, c->portal.port);
	}
	isns_add32(out, ISNS_SCN_PORT, c->portal.port);
}

void
isns_put_watch(const struct isns *c, struct str *out)
{
	put_source(c, out);
	isns_add_text(out, ISNS_NAME, c->source);
	put_delimiter(out);
	isns_add32(out, ISNS_SCN_BITMAP, ISNS_SCN_TARGET_AND_SELF |
		   ISNS_SCN_REMOVED | ISNS_SCN_ADDED | ISNS_SCN_UPDATED);
}

/* RFC 4171 6.11.2.9: all domains that there are for us, with all that is in
 * them: some servers give one member only to those who ask for members. */
void
isns_put_domains(const struct isns *c, struct str *out)
{
	put_source(c, out);
	isns_add(out, ISNS_DD_ID, NULL, 0);
	put_delimiter(out);
}

/* RFC 4171 5.6.5.2: an empty name is any. Node type 1 as key would be compared
 * for equality, and nodes that are initiators, too, would be missed. */
static void
put_query(const struct isns *c, struct str *out, const char *name)
{
	put_source(c, out);
	if (name[0])
		isns_add_text(out, ISNS_NAME, name);
	else
		isns_add(out, ISNS_NAME, NULL, 0);
	put_delimiter(out);
	isns_nodes_ask(out);
}

void
isns_put_query(const struct isns *c, struct str *out)
{
	put_query(c, out, c->target);
}

void
isns_put_each(const struct isns *c, struct str *out)
{
	put_query(c, out, c->names[c->next]);
}

/* RFC 4171 5.6.5.3 */
void
isns_put_walk(const struct isns *c, struct str *out)
{
	put_source(c, out);
	if (c->walked[0])
		isns_add_text(out, ISNS_NAME, c->walked);
	else
		isns_add(out, ISNS_NAME, NULL, 0);
	put_delimiter(out);
	isns_add(out, ISNS_NODE_TYPE, NULL, 0);
}

/* RFC 4171 5.6.5.4: there is no key. */
void
isns_put_leave(const struct isns *c, struct str *out)
{
	put_source(c, out);
	put_delimiter(out);
	if (c->portal.port != 0)
		put_portal_key(c, out);
	if (c->node_is_ours)
		isns_add_text(out, ISNS_NAME, c->source);
}
