/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table of errnos. What an application can act upon has one of its own;
 * all the rest is EIO, and the text says more.
 */
#include "scsi/errno.h"

#include <errno.h>
#include <stddef.h>

#include "lun.h"
#include "wire/pdu.h"

enum by {
	BY_CODE,		/* enum lun_code: no answer from the unit */
	BY_STATUS,		/* enum scsi_status */
	BY_ASC,			/* stronger than the sense key */
	BY_KEY,
};

static const struct row {
	enum by by;
	int what;
	int error;
	int write_error;	/* of a write; 0: the same */
} rows[] = {
	{ BY_CODE, LUN_ENOMEM,		ENOMEM,		0 },
	{ BY_CODE, LUN_EINVAL,		EINVAL,		0 },
	{ BY_CODE, LUN_ETIMEDOUT,	ETIMEDOUT,	0 },
	{ BY_CODE, LUN_EAUTH,		EACCES,		0 },
	{ BY_CODE, LUN_ENOTFOUND,	ENXIO,		0 },
	{ BY_CODE, LUN_ECANCELED,	ECANCELED,	0 },
	{ BY_CODE, LUN_EIDENTITY,	ESTALE,		0 },

	{ BY_STATUS, SCSI_BUSY,			EBUSY,	0 },
	{ BY_STATUS, SCSI_TASK_SET_FULL,	EBUSY,	0 },
	{ BY_STATUS, SCSI_RESERVATION_CONFLICT,	EBUSY,	0 },

	{ BY_ASC, ASC(0x04, 0x0b),	ENXIO,		0 },
	{ BY_ASC, ASC(0x04, 0x0c),	ENXIO,		0 },
	{ BY_ASC, ASC(0x20, 0x00),	EOPNOTSUPP,	0 },
	{ BY_ASC, ASC(0x20, 0x02),	EACCES,		0 },
	{ BY_ASC, ASC(0x21, 0x00),	EIO,		ENOSPC },
	{ BY_ASC, ASC(0x25, 0x00),	ENXIO,		0 },
	{ BY_ASC, ASC(0x27, 0x07),	ENOSPC,		0 },
	{ BY_ASC, ASC(0x3a, 0x00),	ENOMEDIUM,	0 },
	{ BY_ASC, ASC(0x3a, 0x01),	ENOMEDIUM,	0 },
	{ BY_ASC, ASC(0x3a, 0x02),	ENOMEDIUM,	0 },

	{ BY_KEY, KEY_NOT_READY,	ENOMEDIUM,	0 },
	{ BY_KEY, KEY_DATA_PROTECT,	EACCES,		EROFS },
	{ BY_KEY, KEY_VOLUME_OVERFLOW,	ENOSPC,		0 },
};

static const struct row *
row_find(enum by by, int what)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].by == by && rows[i].what == what)
			return &rows[i];
	return NULL;
}

static int
row_errno(const struct row *row, bool write)
{
	if (!row)
		return EIO;
	return write && row->write_error ? row->write_error : row->error;
}

int
errno_of_code(int code)
{
	return row_errno(row_find(BY_CODE, code), false);
}

int
errno_of_status(uint8_t status)
{
	return row_errno(row_find(BY_STATUS, status), false);
}

int
errno_of_sense(const struct sense *s, bool write)
{
	const struct row *row = row_find(BY_ASC, s->asc);

	if (!row)
		row = row_find(BY_KEY, (int)s->key);
	return row_errno(row, write);
}
