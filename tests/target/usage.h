/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TARGET_USAGE_H
#define TARGET_USAGE_H

void usage_print(void);		/* to stdout */

#endif
