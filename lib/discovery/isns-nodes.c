/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See isns-nodes.h. A node is gathered until the name of the next one comes. */
#include "discovery/isns-nodes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"

enum {
	PG_DEFAULT = 1,			/* RFC 4171 6.5.4 */
	/* one more than there is room for, so that it is told */
	NODE_PORTALS_MAX = TARGET_PORTALS_MAX + 1,
};

struct node_portal {
	uint8_t address[ISNS_ADDRESS_LEN];
	uint32_t port;
	bool has_port, has_tag;
	bool no_access;			/* its tag is NULL */
	uint16_t tag;
};

struct node {
	bool begun, good;		/* good: the name fits */
	char name[NAME_INPUT_MAX + 1];
	uint32_t type;
	size_t n;
	struct node_portal portals[NODE_PORTALS_MAX];
	bool overflow;			/* what comes next is of no portal here */

	/* the portal group that comes next */
	bool has_address, has_port, foreign;
	uint8_t address[ISNS_ADDRESS_LEN];
	uint32_t port;
};

void
isns_nodes_ask(struct str *out)
{
	static const uint32_t tags[] = {
		ISNS_NAME, ISNS_NODE_TYPE, ISNS_ALIAS,
		ISNS_PORTAL_ADDRESS, ISNS_PORTAL_PORT,
		ISNS_PG_ADDRESS, ISNS_PG_PORT, ISNS_PG_TAG,
	};

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		isns_add(out, tags[i], NULL, 0);
}

/* ------------------------------------------------------------ gathering -- */

static void
begin_node(struct node *n, struct targets *t, const struct isns_attr *a)
{
	size_t len = isns_text_len(a);

	*n = (struct node){ .begun = true };
	if (len > NAME_INPUT_MAX) {
		targets_complain(t, "iSCSI name", (const char *)a->value, len,
				 "too long");
		return;
	}
	n->good = len > 0;
	memcpy(n->name, a->value, len);
}

static void
add_address(struct node *n, const struct isns_attr *a)
{
	n->overflow = a->null || n->n == NODE_PORTALS_MAX;
	if (n->overflow)
		return;
	n->portals[n->n] = (struct node_portal){ 0 };
	memcpy(n->portals[n->n++].address, a->value, ISNS_ADDRESS_LEN);
}

static void
add_port(struct node *n, const struct isns_attr *a)
{
	if (n->n == 0 || n->overflow || n->portals[n->n - 1].has_port)
		return;
	n->portals[n->n - 1].has_port = true;
	n->portals[n->n - 1].port = a->number;
}

/* The portal of a group: named by it, or else by where it stands. */
static struct node_portal *
portal_of_group(struct node *n)
{
	if (!n->has_address) {
		if (n->n > 0 && !n->overflow && !n->portals[n->n - 1].has_tag)
			return &n->portals[n->n - 1];
		for (size_t i = 0; i < n->n; i++)
			if (!n->portals[i].has_tag)
				return &n->portals[i];
		return NULL;
	}
	for (size_t i = 0; i < n->n; i++)
		if (memcmp(n->portals[i].address, n->address,
			   ISNS_ADDRESS_LEN) == 0 &&
		    (!n->has_port || n->portals[i].port == n->port))
			return &n->portals[i];
	return NULL;
}

static void
add_tag(struct node *n, const struct isns_attr *a)
{
	struct node_portal *p = n->foreign ? NULL : portal_of_group(n);

	n->has_address = n->has_port = n->foreign = false;
	if (!p)
		return;
	p->has_tag = true;
	p->no_access = a->null;
	p->tag = (uint16_t)a->number;	/* the rest is reserved, 6.5.4 */
}

/* A group of another node of the server's. */
static bool
is_foreign(const struct node *n, const struct isns_attr *a)
{
	size_t len = isns_text_len(a);

	return len != strlen(n->name) || memcmp(n->name, a->value, len) != 0;
}

static void
add_attribute(struct node *n, const struct isns_attr *a)
{
	switch (a->tag) {
	case ISNS_NODE_TYPE:
		n->type = a->number;
		break;
	case ISNS_PORTAL_ADDRESS:
		add_address(n, a);
		break;
	case ISNS_PORTAL_PORT:
		add_port(n, a);
		break;
	case ISNS_PG_NAME:
		n->foreign = is_foreign(n, a);
		break;
	case ISNS_PG_ADDRESS:
		n->has_address = !a->null;
		if (!a->null)
			memcpy(n->address, a->value, ISNS_ADDRESS_LEN);
		break;
	case ISNS_PG_PORT:
		n->has_port = !a->null;
		n->port = a->number;
		break;
	case ISNS_PG_TAG:
		add_tag(n, a);
		break;
	default:		/* RFC 4171 4.1.1: of others nothing is wanted */
		break;
	}
}

/* -------------------------------------------------------------- handing -- */

static int
hand_portal(struct targets *t, const struct node_portal *p)
{
	char host[PORTAL_HOST16_MAX], text[PORTAL_HOST16_MAX + 16];
	uint16_t port = (uint16_t)p->port;

	portal_print_host16(p->address, host);
	if (p->no_access)		/* RFC 4171 6.5.4 */
		return 0;
	if (p->port == 0)		/* RFC 4171 6.3.2: the canonical one */
		port = LUN_PORT;
	if (p->port & ISNS_PORT_UDP || port == 0) {
		snprintf(text, sizeof(text), "%s, 0x%08" PRIx32, host, p->port);
		targets_complain(t, "portal", text, strlen(text),
				 "no TCP port");
		return 0;
	}
	return targets_add_portal(t, host, port,
				  p->has_tag ? p->tag : PG_DEFAULT);
}

/* The node is complete. */
static int
hand_node(struct targets *t, const struct node *n, const char *source,
	  struct isns_found *found)
{
	if (!n->begun)
		return 0;
	if (strcmp(n->name, source) == 0)
		found->self = true;
	/* RFC 4171 6.4.2: a bit map */
	if (!n->good || !(n->type & ISNS_TYPE_TARGET))
		return 0;

	int r = targets_add(t, "iSCSI name", n->name);

	if (r == TARGETS_LEFT_OUT)
		return 0;
	found->targets++;
	for (size_t i = 0; r == 0 && i < n->n; i++)
		r = hand_portal(t, &n->portals[i]);
	return r;
}

int
isns_nodes_read(struct targets *t, const struct isns_message *m, size_t pos,
		const char *source, struct isns_found *found,
		struct lun_error *err)
{
	struct node n = { 0 };
	struct isns_attr a;
	int r;

	*found = (struct isns_found){ 0 };
	while ((r = isns_attr_next(m, &pos, &a, err)) == ISNS_ATTR) {
		if (a.tag == ISNS_NAME) {
			if (hand_node(t, &n, source, found) < 0)
				return lun_fail(err, LUN_ENOMEM,
						"targets: out of memory");
			begin_node(&n, t, &a);
		} else if (n.begun) {
			add_attribute(&n, &a);
		}
	}
	if (r == 0 && hand_node(t, &n, source, found) < 0)
		return lun_fail(err, LUN_ENOMEM, "targets: out of memory");
	return r;
}
