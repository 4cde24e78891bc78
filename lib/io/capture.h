/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A pcap-ng file that conversations are written to (wire/pcapng.h makes the
 * bytes). Counted references: connections outlive the loop's wish to capture.
 */
#ifndef IO_CAPTURE_H
#define IO_CAPTURE_H

#include <sys/uio.h>

#include "base/env.h"
#include "wire/pcapng.h"

struct capture;

/* Creates or truncates the file. LUN_ESYS, LUN_ENOMEM. */
int capture_new(struct capture **out, const char *path,
		const struct lun_env *env, struct lun_error *err);
struct capture *capture_ref(struct capture *c);		/* NULL is fine */
struct capture *capture_unref(struct capture *c);	/* NULL is fine */

/* A connection whose socket is connected; false: not one that we can write. */
bool capture_open(struct capture *c, struct pcapng_conn *conn, int fd);

/* The first n bytes of iov went over. */
void capture_bytes(struct capture *c, struct pcapng_conn *conn, bool from_us,
		   const struct iovec *iov, size_t n);
void capture_fin(struct capture *c, struct pcapng_conn *conn, bool from_us);

#endif
