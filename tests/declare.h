/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the engine can, and no program wants: our MaxRecvDataSegmentLength
 * changes while a session goes on (RFC 7143 13.12, 11.16.3).
 */
#ifndef TESTS_DECLARE_H
#define TESTS_DECLARE_H

#include <stdbool.h>

#include "lun.h"

/* One at a time; text is borrowed until it is answered. False: not now. */
bool declare(struct lun_loop *loop, struct lun_session *s, const char *text);

#endif
