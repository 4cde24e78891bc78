/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files that read URLs share: the parts of a text, percent-encoding
 * and the host. The errors say what is wrong with the part; lun_url_parse() puts
 * the URL before that.
 */
#ifndef NAMES_URL_PARTS_H
#define NAMES_URL_PARTS_H

#include "names/portal.h"
#include "names/url.h"

struct span {
	const char *p;
	size_t len;
};

static inline struct span
span_of(const char *p, const char *end)
{
	return (struct span){ p, (size_t)(end - p) };
}

/*
 * Decodes into out, terminated. NULL, or what is wrong: the text itself is
 * not repeated, it may be secret.
 */
const char *url_percent_decode(char *out, size_t size, struct span in);

/* host[:port] of a server whose usual port this is. */
int url_read_host(struct portal *p, struct span in, uint16_t port,
		  struct lun_error *err);
int url_take_host(struct lun_url *u, struct span in, uint16_t port,
		  struct lun_error *err);

/* The kinds that name a source of discovery; text is the whole URL. */
int url_read_isns(struct lun_url *u, const char *text, struct lun_error *err);
int url_read_slp(struct lun_url *u, const char *text, struct lun_error *err);
int url_read_file(struct lun_url *u, const char *text, struct lun_error *err);

#endif
