/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The inside of struct isns:
 *
 *	isns.c		its steps
 *	isns-requests.c	their messages
 *	isns-answers.c	what is made of the answers
 *	isns-notices.c	what the server says unasked
 */
#ifndef DISCOVERY_ISNS_IMPL_H
#define DISCOVERY_ISNS_IMPL_H

#include "discovery/isns-nodes.h"
#include "discovery/isns.h"

enum {
	ISNS_EID_MAX	= 256,		/* RFC 4171 6.2.1 */
	ISNS_ALIAS_MAX	= 255,
};

enum isns_step {
	ISNS_AWAY,			/* no connection */
	ISNS_SELF,			/* are we registered? */
	ISNS_REGISTER,
	ISNS_WATCH,			/* register for SCNs */
	ISNS_DOMAINS,			/* in place of ISNS_QUERY, to boot */
	ISNS_QUERY,
	ISNS_WALK,			/* DevGetNext */
	ISNS_EACH,			/* a query for one of those */
	ISNS_LEAVE,			/* deregister */
	ISNS_REST,
};

struct isns {
	struct isns_config config;
	char source[NAME_MAX_LEN + 1];
	char target[NAME_MAX_LEN + 1];
	char alias[ISNS_ALIAS_MAX + 1];
	struct isns_portal portal;

	enum isns_step step;
	uint16_t transaction;		/* of the request under way */
	struct isns_rx rx;
	struct str out;
	struct timer timer;		/* of the answer; of the rest */

	/* the registration */
	char eid[ISNS_EID_MAX + 1];	/* "": the server is to choose */
	bool registered;		/* on this connection */
	bool node_is_ours;		/* nobody else had registered it */
	bool tried;			/* to register, on this connection */
	bool told;			/* in the log that it was refused */
	bool wants_esi, esi_came;
	uint32_t period;		/* seconds; 0: not said */

	/* the list that is made */
	struct targets *targets;
	char walked[NAME_INPUT_MAX + 1];	/* the key of the last answer */
	char mark[NAME_INPUT_MAX + 1];	/* an earlier one: isns-answers.c */
	size_t n_walked;
	size_t n, size, next;		/* names to be asked for */
	char **names;
	bool again;			/* something changed meanwhile */

	/* news */
	struct targets *list;
	struct lun_error err;
};

/* The message of a step after its header. */
void isns_put_self(const struct isns *c, struct str *out);
void isns_put_registration(const struct isns *c, struct str *out);
void isns_put_watch(const struct isns *c, struct str *out);
void isns_put_domains(const struct isns *c, struct str *out);
void isns_put_query(const struct isns *c, struct str *out);
void isns_put_walk(const struct isns *c, struct str *out);
void isns_put_each(const struct isns *c, struct str *out);
void isns_put_leave(const struct isns *c, struct str *out);

/* The answer to a step, from pos on: the next step, or a negative code and
 * c->err. */
int isns_on_self(struct isns *c, uint32_t status,
		 const struct isns_message *m, size_t pos);
int isns_on_registered(struct isns *c, uint32_t status,
		       const struct isns_message *m, size_t pos);
int isns_on_watched(struct isns *c, uint32_t status,
		    const struct isns_message *m, size_t pos);
int isns_on_domains(struct isns *c, uint32_t status,
		    const struct isns_message *m, size_t pos);
int isns_on_queried(struct isns *c, uint32_t status,
		    const struct isns_message *m, size_t pos);
int isns_on_walked(struct isns *c, uint32_t status,
		   const struct isns_message *m, size_t pos);
int isns_on_each(struct isns *c, uint32_t status,
		 const struct isns_message *m, size_t pos);
int isns_on_left(struct isns *c, uint32_t status,
		 const struct isns_message *m, size_t pos);

void isns_drop_names(struct isns *c);

/* A text of the server's that fits; "" if it does not. */
void isns_take_text(char *out, size_t size, const struct isns_attr *a);

/* What the step that waits for an answer does, in words. */
const char *isns_step_name(const struct isns *c);

#endif
