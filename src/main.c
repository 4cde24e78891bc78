/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lunfs: remote iSCSI logical units as plain files. This file: the table of
 * commands, and how one of them is chosen:
 *
 *	lunfs COMMAND ...
 *	mount.lunfs SOURCE MOUNTPOINT -o ...	called by mount(8)
 *	lunfs SOURCE MOUNTPOINT -o ...		called by mount.fuse(8), for the
 *						type fuse.lunfs
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "log.h"

static const struct command commands[] = {
	{ "mount", CMD_MOUNT, "SOURCE... MOUNTPOINT", 2, SIZE_MAX,
	  "LUNs as files in a directory, or one LUN as one file", cmd_mount },
	{ "ls", CMD_LS, "[SOURCE...]", 0, SIZE_MAX,
	  "targets, portals, LUNs, sizes, state", cmd_ls },
	{ "info", CMD_INFO, "LUN", 1, 1,
	  "identity, geometry, limits, negotiated keys", cmd_info },
	{ "status", CMD_STATUS, "MOUNTPOINT", 1, 1,
	  "sessions of a mount, what is going on", cmd_status },
	{ "retry", CMD_RETRY, "MOUNTPOINT", 1, 1,
	  "a mount stops waiting, reconnects now", cmd_retry },
	{ "boot", CMD_BOOT, "[SERVICE...]", 0, SIZE_MAX,
	  "where to boot from (RFC 4173): its URL, or mount it", cmd_boot },
	{ "name", CMD_NAME, "[NAME]", 0, 1,
	  "an iSCSI name, prepared and checked; or our own", cmd_name },
};
enum { N_COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static const struct command mount_helper = {
	"mount.lunfs", CMD_HELPER, "SOURCE MOUNTPOINT", 2, 2,
	"LUNs as files in a directory, or one LUN as one file", cmd_mount
};

static void
usage(void)
{
	puts("lunfs: remote iSCSI logical units as plain files\n");
	for (size_t i = 0; i < N_COMMANDS; i++)
		printf("  lunfs %-6s %-21s %s\n", commands[i].name,
		       commands[i].args, commands[i].summary);
	puts("\n"
	     "A SOURCE is iscsi://[user@]host[:port][/target[/lun]], an "
	     "RFC 4173 root path,\n"
	     "isns://[host[:port]], slp://[host[:port]], or file:PATH, a static "
	     "list.\n"
	     "lunfs COMMAND --help shows the options of a command.");
}

static void
help(const struct command *cmd)
{
	printf("usage: %s%s [OPTION...] %s\n%s\n\n",
	       cmd == &mount_helper ? "" : "lunfs ", cmd->name, cmd->args,
	       cmd->summary);
	opts_help(cmd);
}

enum exit_code
exit_code(int code)
{
	return code == LUN_EINVAL ? EXIT_USAGE : EXIT_FAILED;
}

enum exit_code
finish_stdout(enum exit_code code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	log_say(LUN_LOG_ERROR, "stdout: %s", strerror(errno));
	return EXIT_FAILED;
}

static const struct command *
command_by_name(const char *name)
{
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* A socket must not get the number of a closed stderr: messages would go to
 * the peer. */
static bool
open_standard_fds(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
		    open("/dev/null", O_RDWR) != fd)
			return false;
	return true;
}

static enum exit_code
run(const struct command *cmd, int argc, char **argv)
{
	struct opts o;
	struct lun_error err = { 0 };
	int code = opts_parse(&o, cmd, argc, argv, &err);

	if (code < 0) {
		log_say(LUN_LOG_ERROR, "%s", err.text);
		code = exit_code(code);
	} else if (o.help) {
		help(cmd);
		code = finish_stdout(EXIT_DONE);
	} else if (o.version) {
		puts("lunfs " LUNFS_VERSION);
		code = finish_stdout(EXIT_DONE);
	} else {
		if (o.verbose > 0)
			log_set_level(o.verbose > 1 ? LUN_LOG_TRACE :
						      LUN_LOG_DEBUG);
		code = cmd->run(&o);
	}
	opts_free(&o);
	return code;
}

int
main(int argc, char **argv)
{
	if (!open_standard_fds()) {
		log_say(LUN_LOG_ERROR, "/dev/null: %s", strerror(errno));
		return EXIT_FAILED;
	}
	signal(SIGPIPE, SIG_IGN);

	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const char *called = slash ? slash + 1 : argc > 0 ? argv[0] : "";
	if (strcmp(called, "mount.lunfs") == 0)
		return run(&mount_helper, argc, argv);

	const char *first = argc > 1 ? argv[1] : "";
	const struct command *cmd = command_by_name(first);
	if (cmd)
		return run(cmd, argc - 1, argv + 1);
	if (strchr(first, ':'))
		return run(&mount_helper, argc, argv);
	if (strcmp(first, "--help") == 0 || strcmp(first, "help") == 0) {
		usage();
		return finish_stdout(EXIT_DONE);
	}
	if (strcmp(first, "--version") == 0) {
		puts("lunfs " LUNFS_VERSION);
		return finish_stdout(EXIT_DONE);
	}
	log_say(LUN_LOG_ERROR, "%s: %s: see lunfs --help",
		*first ? first : "command",
		*first ? "no such command" : "none given");
	return EXIT_USAGE;
}
