/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of options, and the walkers over it. */
#include "opts.h"

#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "credentials.h"
#include "fail.h"
#include "log.h"

struct row;
typedef int set_fn(struct opts *o, const struct row *row, char *value,
		   struct lun_error *err);

struct row {
	char letter;
	const char *name;		/* long, or NULL */
	const char *arg;		/* NULL: takes none; "[=...]": may have one */
	unsigned commands;		/* bits of those that take it */
	set_fn *set;
	const char *help;		/* NULL: not shown */
};

static set_fn set_lun, set_slp, set_key, set_sessions, set_credentials,
	set_proxy, set_mount, set_read_only, set_target_reset, set_json,
	set_verbose, set_pcap, set_foreground, set_fake, set_nothing, set_help,
	set_version, set_boot_source, set_boot_mount, set_allow, set_numeric,
	set_dhcp_tries, set_dhcp_servers, set_dhcp_keys, set_dhcp_unauthentic;

enum { DHCP_TRIES_MAX = 10 };
enum { IN_O = 1 << 8 };		/* a word within -o only */

static const struct row rows[] = {
{ 0, "initiator-name", "NAME", CMD_SESSION, set_lun,
  "our name: iqn., eui. or naa. (default: the one that lunfs name\n"
  "shows)" },
{ 0, "initiator-alias", "TEXT", CMD_SESSION, set_lun,
  "shown beside it by targets; \"\": none (default: the host name)" },
{ 0, "credentials", "FILE", CMD_SESSION, set_credentials,
  "lines username=, password=, username_in=, password_in=; the\n"
  "file must not be open to others" },
{ 0, "auth", "METHOD", CMD_SESSION, set_lun,
  "none or chap (default: chap if there are credentials)" },
{ 0, "chap-algorithms", "LIST", CMD_SESSION, set_lun,
  "by preference (default: sha3-256,sha256,sha1,md5)" },
{ 0, "header-digest", "LIST", CMD_SESSION, set_lun,
  "none, crc32c, or both by preference" },
{ 0, "data-digest", "LIST", CMD_SESSION, set_lun,
  "none, crc32c, or both by preference" },
{ 0, "connections", "N", CMD_SESSION, set_lun,
  "TCP connections of a session; up to 16 (default: 1)" },
{ 0, "sessions", "N", CMD_SESSION, set_sessions,
  "of a mount with each target, each on a thread of its own; up to\n"
  "8 (default: 1)" },
{ 0, "erl", "LEVEL", CMD_SESSION, set_lun,
  "highest error recovery level to ask for (default: 0)" },
{ 0, "timeout", "SEC", CMD_SESSION, set_lun,
  "bound of each connect, login and command (default: 30)" },
{ 0, "outage", "WHAT", CMD_SESSION, set_lun,
  "I/O while the target is away: wait (the default), wait:SEC\n"
  "(then it fails), or fail" },
{ 0, "target-reset", NULL, CMD_SESSION, set_target_reset,
  "allow to reset the whole target, if a command can be ended in no\n"
  "other way" },
{ 0, "proxy", "URL", CMD_SESSION, set_proxy,
  "socks5://[user:password@]host[:port]: all TCP connections go\n"
  "through it" },
{ 0, "portal-rewrite", "WHEN", CMD_SESSION, set_lun,
  "use the portal that was asked instead of addresses that it tells\n"
  "of: auto (if they cannot be reached: the default), always, never" },
{ 0, "discovery-allow", "LIST", CMD_SESSION, set_lun,
  "addresses, ADDRESS/BITS and domains of portals found by SLP that\n"
  "may be contacted (default: all)" },
{ 0, "slp", "NAME=VALUE", CMD_SESSION, set_slp,
  "of slp:// sources: query=access|credentials|boot|all,\n"
  "search=multicast|broadcast|none, agents=LIST, interfaces=LIST,\n"
  "ttl=N, wait=SEC" },
{ 0, "key", "NAME=VALUE", CMD_SESSION, set_key,
  "an operational key by its RFC name: MaxBurstLength=1M" },
{ 0, "root-path", "STRING", CMD_BOOT, set_boot_source,
  "an RFC 4173 root path: iscsi:server:protocol:port:LUN:target" },
{ 0, "dhcp", "INTERFACE", CMD_BOOT, set_boot_source,
  "ask DHCP servers there (needs CAP_NET_RAW)" },
{ 0, "dhcp-tries", "N", CMD_BOOT, set_dhcp_tries,
  "how often, 1 to 10 (default: 4, which takes a minute)" },
{ 0, "dhcp-servers", "LIST", CMD_BOOT, set_dhcp_servers,
  "addresses of those that may answer" },
{ 0, "dhcp-keys", "FILE", CMD_BOOT, set_dhcp_keys,
  "lines key=ID:SECRET, or token=TEXT (RFC 3118): answers must be\n"
  "authentic; the file must not be open to others" },
{ 0, "dhcp-unauthentic", NULL, CMD_BOOT, set_dhcp_unauthentic,
  "take those that are not, with a warning" },
{ 0, "lease", "FILE", CMD_BOOT, set_boot_source,
  "a lease of systemd-networkd, NetworkManager, dhclient, klibc's\n"
  "ipconfig or dhcpcd" },
{ 0, "ibft", "[=PATH]", CMD_BOOT, set_boot_source,
  "the table of the firmware: a directory as /sys/firmware/ibft,\n"
  "or the table itself" },
{ 0, "cmdline", "[=FILE]", CMD_BOOT, set_boot_source,
  "the kernel's command line: netroot=iscsi:... and the like" },
{ 0, "allow", "LIST", CMD_BOOT, set_allow,
  "targets, and hosts of their portals, that may be used" },
{ 0, "numeric", NULL, CMD_BOOT, set_numeric,
  "refuse servers that are not named by their address" },
{ 0, "mount", "MOUNTPOINT", CMD_BOOT, set_boot_mount,
  "mount it, as lunfs mount does, with these options:" },
{ 'r', "read-only", NULL, CMD_MOUNT | CMD_HELPER | CMD_BOOT, set_read_only,
  "nothing that could change a LUN is ever sent" },
{ 'o', NULL, "OPT[,OPT...]", CMD_MOUNT | CMD_HELPER | CMD_BOOT, set_mount,
  "options of FUSE (allow_other, ...), and NAME=VALUE for each\n"
  "of these options" },
{ 'f', "foreground", NULL, CMD_MOUNT | CMD_BOOT, set_foreground,
  "stay in the foreground" },
{ 0, "json", NULL, CMD_LS | CMD_INFO | CMD_STATUS | CMD_BOOT, set_json,
  "for programs" },
{ 0, "pcap", "FILE", CMD_SESSION, set_pcap,
  "write the conversation as pcap-ng" },
{ 'v', "verbose", NULL, CMD_SESSION, set_verbose,
  "say more; -vv: every PDU on a line" },
{ 0, "help", NULL, ~0u, set_help,
  "this text" },
{ 0, "version", NULL, ~0u, set_version,
  "the version" },
/* What mount(8) gives its helpers, mount.TYPE(8). */
{ 'f', NULL, NULL, CMD_HELPER, set_fake, NULL },
{ 'n', NULL, NULL, CMD_HELPER, set_nothing, NULL },
{ 's', NULL, NULL, CMD_HELPER, set_nothing, NULL },
{ 'w', NULL, NULL, CMD_HELPER, set_nothing, NULL },
{ 'N', NULL, "NAMESPACE", CMD_HELPER, set_nothing, NULL },
{ 't', NULL, "TYPE", CMD_HELPER, set_nothing, NULL },
/* Words of fstab that say nothing to us. */
{ 0, "ro", NULL, IN_O, set_read_only, NULL },
{ 0, "rw", NULL, IN_O, set_nothing, NULL },
{ 0, "defaults", NULL, IN_O, set_nothing, NULL },
{ 0, "auto", NULL, IN_O, set_nothing, NULL },
{ 0, "noauto", NULL, IN_O, set_nothing, NULL },
{ 0, "nofail", NULL, IN_O, set_nothing, NULL },
{ 0, "user", NULL, IN_O, set_nothing, NULL },
{ 0, "users", NULL, IN_O, set_nothing, NULL },
{ 0, "_netdev", NULL, IN_O, set_nothing, NULL },
};
enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };

/* ------------------------------------------------- what the rows set -- */

static int
set_lun(struct opts *o, const struct row *row, char *value,
	struct lun_error *err)
{
	return lun_options_set(o->lun, row->name, value, err);
}

/* liblun's options of SLP, "slp-NAME". */
static int
set_slp(struct opts *o, const struct row *row, char *value,
	struct lun_error *err)
{
	char name[40];
	char *equals = strchr(value, '=');
	int len = equals ? (int)(equals - value) : 0;

	if (len < 1 || len > 20)
		return fail(err, LUN_EINVAL, "--slp %s: not NAME=VALUE", value);
	snprintf(name, sizeof(name), "slp-%.*s", len, value);
	return lun_options_set(o->lun, name, equals + 1, err);
}

/* Only operational keys: they have capitals, liblun's own options have none. */
static int
set_key(struct opts *o, const struct row *row, char *value,
	struct lun_error *err)
{
	char *equals = strchr(value, '=');
	bool capital = false;

	for (char *c = value; c != equals && *c; c++)
		capital |= isupper((unsigned char)*c) != 0;
	if (!equals || !capital)
		return fail(err, LUN_EINVAL,
			    "--key %s: not NAME=VALUE with the name of an "
			    "operational key", value);
	*equals = '\0';
	int r = lun_options_set(o->lun, value, equals + 1, err);
	*equals = '=';
	return r;
}

static int
set_number(unsigned *to, const struct row *row, const char *value,
	   unsigned max, struct lun_error *err)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (!isdigit((unsigned char)*value) || *end || n < 1 || n > max)
		return fail(err, LUN_EINVAL, "--%s %s: not a number from 1 to "
			    "%u", row->name, value, max);
	*to = (unsigned)n;
	return 0;
}

static int
set_sessions(struct opts *o, const struct row *row, char *value,
	     struct lun_error *err)
{
	return set_number(&o->sessions, row, value, SESSIONS_MAX, err);
}

static int
set_dhcp_tries(struct opts *o, const struct row *row, char *value,
	       struct lun_error *err)
{
	return set_number(&o->boot.dhcp_tries, row, value, DHCP_TRIES_MAX, err);
}

static int
set_dhcp_keys(struct opts *o, const struct row *row, char *value,
	      struct lun_error *err)
{
	secret_free(o->dhcp_keys);
	o->dhcp_keys = NULL;
	int r = secret_file(&o->dhcp_keys, value, err);
	o->boot.dhcp_keys = o->dhcp_keys;
	return r;
}

static int
set_credentials(struct opts *o, const struct row *row, char *value,
		struct lun_error *err)
{
	return credentials_file(o->lun, value, err);
}

/* With its password it can stand in the environment instead. */
static int
set_proxy(struct opts *o, const struct row *row, char *value,
	  struct lun_error *err)
{
	int r = lun_options_set(o->lun, row->name, value, err);

	if (lun_url_blank_password(value))
		log_say(LUN_LOG_WARNING, "--proxy: a password on the command "
			"line can be seen by others: use LUNFS_PROXY or "
			"--credentials");
	return r;
}

static int
set_target_reset(struct opts *o, const struct row *row, char *value,
		 struct lun_error *err)
{
	return lun_options_set(o->lun, "target-reset", "yes", err);
}

static int
set_read_only(struct opts *o, const struct row *row, char *value,
	      struct lun_error *err)
{
	o->read_only = true;
	return lun_options_set(o->lun, "read-only", "yes", err);
}

static int
set_pcap(struct opts *o, const struct row *row, char *value,
	 struct lun_error *err)
{
	o->pcap = value;
	return 0;
}

/* One place to look at. */
static int
set_boot_source(struct opts *o, const struct row *row, char *value,
		struct lun_error *err)
{
	static const struct {
		const char *name;
		enum lun_boot_source source;
	} sources[] = {
		{ "root-path", LUN_BOOT_ROOT_PATH }, { "dhcp", LUN_BOOT_DHCP },
		{ "lease", LUN_BOOT_LEASE }, { "ibft", LUN_BOOT_IBFT },
		{ "cmdline", LUN_BOOT_CMDLINE },
	};

	if (o->boot_source_set)
		return fail(err, LUN_EINVAL, "--%s: there is another option "
			    "that says where to look", row->name);
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		if (strcmp(sources[i].name, row->name) == 0)
			o->boot.source = sources[i].source;
	o->boot.value = value;
	o->boot_source_set = true;
	/* a root path has no login: with one it is refused, too */
	if (o->boot.source == LUN_BOOT_ROOT_PATH)
		lun_url_blank_password(value);
	return 0;
}

static int
set_nothing(struct opts *o, const struct row *row, char *value,
	    struct lun_error *err)
{
	return 0;
}

#define SETS(function, what)                                                  \
	static int function(struct opts *o, const struct row *row,            \
			    char *value, struct lun_error *err)               \
	{                                                                     \
		what;                                                         \
		return 0;                                                     \
	}
SETS(set_json, o->json = true)
SETS(set_verbose, o->verbose++)
SETS(set_foreground, o->foreground = true)
SETS(set_fake, o->fake = true)
SETS(set_boot_mount, o->mount = value)
SETS(set_allow, o->boot.allow = value)
SETS(set_numeric, o->boot.numeric = true)
SETS(set_dhcp_servers, o->boot.dhcp_servers = value)
SETS(set_dhcp_unauthentic, o->boot.dhcp_unauthentic = true)
SETS(set_help, o->help = true)
SETS(set_version, o->version = true)
#undef SETS

/* --------------------------------------------------------------- -o -- */

static const struct row *
row_in_o(const char *name)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if ((rows[i].commands & (CMD_MOUNT | IN_O)) && rows[i].name &&
		    strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

/* "a\,b" stands for "a,b", as in libfuse. */
static void
unescape(char *text)
{
	char *to = text;

	for (char *from = text; *from; from++) {
		if (*from == '\\' && from[1])
			from++;
		*to++ = *from;
	}
	*to = '\0';
}

static int
give_to_fuse(struct opts *o, const char *word, struct lun_error *err)
{
	char *joined;

	if (asprintf(&joined, "%s%s%s", o->fuse ? o->fuse : "",
		     o->fuse ? "," : "", word) < 0)
		return fail(err, LUN_ENOMEM, "-o: out of memory");
	free(o->fuse);
	o->fuse = joined;
	return 0;
}

/* One word of -o: ours by its name, or libfuse's. word is kept by some. */
static int
set_word(struct opts *o, char *word, struct lun_error *err)
{
	char *equals = strchr(word, '=');

	if (*word == '\0' || strncmp(word, "x-", 2) == 0 ||
	    strncmp(word, "comment=", 8) == 0)
		return 0;
	if (equals)
		*equals = '\0';
	const struct row *row = row_in_o(word);
	if (!row) {
		if (equals)
			*equals = '=';
		return give_to_fuse(o, word, err);
	}
	if (row->arg && !equals)
		return fail(err, LUN_EINVAL, "-o %s: needs =%s", word,
			    row->arg);
	if (!row->arg && equals)
		return fail(err, LUN_EINVAL, "-o %s: takes no value", word);
	if (equals)
		unescape(equals + 1);
	return row->set(o, row, equals ? equals + 1 : NULL, err);
}

static int
set_mount(struct opts *o, const struct row *row, char *value,
	  struct lun_error *err)
{
	char *word = value;
	int r = 0;

	while (word && r == 0) {
		char *c = word;

		while (*c && *c != ',')
			c += *c == '\\' && c[1] ? 2 : 1;
		char *next = *c ? c + 1 : NULL;
		*c = '\0';
		r = set_word(o, word, err);
		word = next;
	}
	return r;
}

/* ------------------------------------------------------ command line -- */

enum { LONG = 256 };		/* values of getopt_long: LONG + row */

/* Fills what getopt_long wants to have. */
static void
getopt_tables(unsigned bit, char letters[2 * N_ROWS + 2],
	      struct option longs[N_ROWS + 1])
{
	size_t n = 0;

	*letters++ = ':';	/* tell a missing argument apart */
	for (size_t i = 0; i < N_ROWS; i++) {
		if (!(rows[i].commands & bit))
			continue;
		if (rows[i].letter) {
			*letters++ = rows[i].letter;
			if (rows[i].arg)
				*letters++ = ':';
		}
		if (rows[i].name)
			longs[n++] = (struct option){
				.name = rows[i].name,
				.has_arg = !rows[i].arg ? no_argument :
					rows[i].arg[0] == '[' ?
					optional_argument : required_argument,
				.val = LONG + (int)i,
			};
	}
	*letters = '\0';
	longs[n] = (struct option){ 0 };
}

static const struct row *
row_of(unsigned bit, int val)
{
	if (val >= LONG)
		return &rows[val - LONG];
	for (size_t i = 0; i < N_ROWS; i++)
		if ((rows[i].commands & bit) && rows[i].letter == val)
			return &rows[i];
	return NULL;
}

/* What getopt_long did not like, by optopt and the argument it looked at. */
static int
complain(int val, const char *arg, struct lun_error *err)
{
	bool is_long = strncmp(arg, "--", 2) == 0;

	if (is_long && val == '?')
		return fail(err, LUN_EINVAL, optopt ?
			    "%s: takes no value" : "%s: no such option", arg);
	if (is_long)
		return fail(err, LUN_EINVAL, "%s: needs an argument", arg);
	return fail(err, LUN_EINVAL, val == ':' ? "-%c: needs an argument" :
		    "-%c: no such option", optopt);
}

static int
parse(struct opts *o, unsigned bit, int argc, char **argv,
      struct lun_error *err)
{
	char letters[2 * N_ROWS + 2];
	struct option longs[N_ROWS + 1];
	int val, r = 0;

	getopt_tables(bit, letters, longs);
	opterr = 0;
	while (r == 0 &&
	       (val = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		if (val == '?' || val == ':')
			return complain(val, argv[optind - 1], err);
		const struct row *row = row_of(bit, val);
		r = row->set(o, row, optarg, err);
	}
	return r;
}

int
opts_parse(struct opts *o, const struct command *cmd, int argc, char **argv,
	   struct lun_error *err)
{
	int r;

	*o = (struct opts){ 0 };
	if ((r = lun_options_new(&o->lun, err)) < 0 ||
	    (r = credentials_environment(o->lun, err)) < 0 ||
	    (r = parse(o, cmd->bit, argc, argv, err)) < 0)
		return r;
	o->args = argv + optind;
	o->n_args = (size_t)(argc - optind);
	if (o->help || o->version)
		return 0;
	if (o->n_args < cmd->args_min)
		return fail(err, LUN_EINVAL, "%s: too few arguments: needs %s",
			    cmd->name, cmd->args);
	if (o->n_args > cmd->args_max)
		return fail(err, LUN_EINVAL, "%s: too many arguments: takes %s",
			    cmd->name, cmd->args);
	return 0;
}

void
opts_free(struct opts *o)
{
	o->lun = lun_options_free(o->lun);
	secret_free(o->dhcp_keys);
	o->dhcp_keys = NULL;
	free(o->fuse);
	o->fuse = NULL;
}

static void
help_row(const struct row *row)
{
	char left[40];
	const char *line = row->help;

	snprintf(left, sizeof(left), "%c%c%s%s%s%s%s", row->letter ? '-' : ' ',
		 row->letter ? row->letter : ' ',
		 row->letter && row->name ? ", " : row->letter ? "" : "  ",
		 row->name ? "--" : "", row->name ? row->name : "",
		 row->arg && row->arg[0] != '[' ? " " : "",
		 row->arg ? row->arg : "");
	printf("  %-26s ", left);
	for (const char *next; (next = strchr(line, '\n')); line = next + 1)
		printf("%.*s\n%29s", (int)(next - line), line, "");
	printf("%s\n", line);
}

void
opts_help(const struct command *cmd)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if (rows[i].help && (rows[i].commands & cmd->bit))
			help_row(&rows[i]);
}
