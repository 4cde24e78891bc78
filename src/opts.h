/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line. All options of all commands stand in one table (opts.c):
 * letter, name, argument, which commands take it, what it does, help text.
 * The help, `-o NAME=VALUE` (fstab) and the checks are made from it.
 */
#ifndef OPTS_H
#define OPTS_H

#include <stdbool.h>
#include <stddef.h>

#include "lun.h"

enum { SESSIONS_MAX = 8 };		/* of a mount with each target */

enum command_bit {
	CMD_MOUNT	= 1 << 0,
	CMD_LS		= 1 << 1,
	CMD_INFO	= 1 << 2,
	CMD_NAME	= 1 << 3,
	CMD_HELPER	= 1 << 4,	/* mount, as mount(8) calls mount.lunfs */
	CMD_STATUS	= 1 << 5,
	CMD_RETRY	= 1 << 6,
	CMD_BOOT	= 1 << 7,

	CMD_SESSION	= CMD_MOUNT | CMD_LS | CMD_INFO | CMD_HELPER | CMD_BOOT,
};

struct opts {
	struct lun_options *lun;	/* those of liblun */
	char *fuse;			/* -o for libfuse: "a,b=c", or NULL */
	const char *pcap;		/* or NULL */
	unsigned sessions;		/* with each target; 0: not said, thus 1 */
	int verbose;			/* how many -v */
	bool json;
	bool foreground;
	bool read_only;
	struct lun_boot_config boot;
	bool boot_source_set;
	char *dhcp_keys;		/* text of a file, or NULL */
	const char *mount;		/* boot --mount, or NULL */
	bool fake;			/* mount -f: check, do nothing */
	bool help;
	bool version;

	char **args;			/* what is no option */
	size_t n_args;
};

/* How a command is called, and which options are its own. */
struct command {
	const char *name;
	unsigned bit;			/* enum command_bit */
	const char *args;
	size_t args_min, args_max;
	const char *summary;
	int (*run)(struct opts *o);	/* returns the exit code */
};

/*
 * Fills *o from the environment and argv[1..]; argv is reordered. LUN_EINVAL
 * is a mistake of usage; others are files that can't be used. To be freed in
 * any case.
 */
int opts_parse(struct opts *o, const struct command *cmd, int argc,
	       char **argv, struct lun_error *err);
void opts_free(struct opts *o);		/* wipes secrets */

/* The lines of the options of a command, to stdout. */
void opts_help(const struct command *cmd);

#endif
