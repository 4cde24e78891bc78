/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Leases that a DHCP client of the system holds, with the root path and the
 * discovery services that came with them. Which client wrote a file is seen from
 * what is in it:
 *
 *	systemd-networkd	/run/systemd/netif/leases/IFINDEX
 *	NetworkManager		/run/NetworkManager/devices/IFINDEX
 *	dhclient		/var/lib/dhcp/dhclient.IFACE.leases
 *	klibc's ipconfig	/run/net-IFACE.conf
 *	dhcpcd			/var/lib/dhcpcd/IFACE.lease: the message itself
 *
 * Services are known to dhclient (if it was told to ask for them) and to dhcpcd;
 * the others do not keep these options.
 */
#ifndef BOOT_LEASE_H
#define BOOT_LEASE_H

#include "boot/info.h"

enum { LEASE_FILE_MAX = 256 * 1024 };

/*
 * What a file of len bytes holds. now is the time of day in seconds and written
 * that of the file, to leave out leases that have expired. 0, BOOT_NOTHING (no
 * lease with an iSCSI root path, or none that is valid: services may be there),
 * or LUN_EINVAL: it is no lease file that we know, or what it says is wrong.
 * *kind, if not NULL, becomes the name of the client whose file it is.
 */
int boot_lease(struct boot_info *b, const char *text, size_t len, int64_t now,
	       int64_t written, const char **kind, struct lun_error *err);

#endif
