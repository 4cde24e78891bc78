/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iSCSI names (RFC 7143 4.2.7, RFC 3721, RFC 3980) and their preparation
 * (RFC 3722: stringprep, Unicode 3.2).
 *
 * A name is "prepared" when preparing it changes nothing. Only prepared names
 * are sent, stored and compared, byte for byte; so what people type, and what
 * a peer or a file says, goes through iscsi_name_prepare() once, at the edge.
 */
#ifndef NAMES_NAME_H
#define NAMES_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "lun.h"

enum {
	NAME_MAX_LEN	= 223,	/* bytes of UTF-8, RFC 7143 4.2.7.2 */
	NAME_INPUT_MAX	= 1023,	/* bytes that we try to prepare */
};

/*
 * 0 if these len bytes are a whole, prepared iSCSI name: of type iqn., eui. or
 * naa., with the syntax of that type. Else LUN_EINVAL and the reason.
 */
int iscsi_name_check(const char *name, size_t len, struct lun_error *err);

/*
 * Prepares a name that is looked for or came from a peer: code points that
 * Unicode 3.2 did not have pass unchanged (a "query", RFC 3454 7). What comes
 * out passes iscsi_name_check(). 0 or LUN_EINVAL (LUN_ENOMEM).
 */
int iscsi_name_prepare(const char *in, char out[NAME_MAX_LEN + 1],
		       struct lun_error *err);

/*
 * The same for a name that is stored (RFC 3722 8), such as our own initiator
 * name: code points that Unicode 3.2 did not have are refused.
 */
int iscsi_name_prepare_stored(const char *in, char out[NAME_MAX_LEN + 1],
			      struct lun_error *err);

/* Does it begin like one, in any case: iqn., eui. or naa.? */
bool iscsi_name_begins(const char *text);

/* Byte for byte, of two prepared names (RFC 7143 4.2.7.2). */
bool iscsi_name_equal(const char *a, const char *b);

/*
 * May this be the name of a directory entry? For texts that came from a peer
 * (names, aliases, designators): well-formed UTF-8 of 1 to 255 bytes, not "."
 * or "..", without "/", control characters, and those that turn the direction
 * of what stands beside them.
 */
bool iscsi_name_safe_component(const char *name);

#endif
