/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The errno of everything that can go wrong with a request: one table. */
#ifndef SCSI_ERRNO_H
#define SCSI_ERRNO_H

#include <stdbool.h>

#include "scsi/sense.h"

/* write: the command moved data to the unit. Never 0. */
int errno_of_code(int code);			/* enum lun_code */
int errno_of_status(uint8_t status);		/* enum scsi_status */
int errno_of_sense(const struct sense *s, bool write);

#endif
