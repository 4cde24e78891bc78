/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel command line, as the initramfs programs read it:
 *
 *	netroot=, root=		iscsi:[USER:SECRET[:USER:SECRET]@]ROOTPATH, as a
 *				root path, also with an interface before the
 *				LUN: server:proto:port:IFACE:NETDEV:LUN:target
 *	iscsi_target_name=, iscsi_target_ip=, iscsi_target_port=,
 *	iscsi_initiator=, iscsi_username=, iscsi_password=,
 *	iscsi_in_username=, iscsi_in_password=	and their rd.iscsi. forms
 *
 * The last one counts, as for the kernel; of netroot= and root= each is a
 * target more.
 */
#ifndef BOOT_CMDLINE_H
#define BOOT_CMDLINE_H

#include "boot/info.h"

/*
 * 0, BOOT_NOTHING, or LUN_EINVAL (LUN_ENOMEM) with the parameter that is
 * wrong. text is terminated and is cut into words; the caller wipes it, there
 * may be secrets in it.
 */
int boot_cmdline(struct boot_info *b, char *text, struct lun_error *err);

#endif
