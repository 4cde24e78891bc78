/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page of lunfs-target --help; lunfs-target.pod says more. */
#include "usage.h"

#include <stdio.h>
#include <string.h>

#include "fault-rule.h"
#include "fault-words.h"

static const char usage[] =
"usage: lunfs-target [--listen ADDR[:PORT]]... [--target IQN [--lun SPEC]...]\n"
"\n"
"  --listen ADDR[:PORT]   where; repeatable. Port 3260 unless said; 0 picks one;\n"
"                         without this 127.0.0.1:0. \"listening ADDR:PORT\" is\n"
"                         printed for each\n"
"  --target IQN           the name that the next --lun belongs to\n"
"  --lun SPEC             size=64M | file=PATH, with lun=N, block=512..4096,\n"
"                         ro, wce=0|1, fua=0|1, thin, serial=S; count=N for N\n"
"                         of them, numbers from lun= on; volatile: what was not\n"
"                         flushed is lost when the target is killed;\n"
"                         tells-one: only one session that it was started;\n"
"                         comma-separated. Registrations (APTPL) of a file\n"
"                         are in PATH.state\n"
"  --targets N            N more targets with one tiny LUN each\n"
"  --alias TEXT           TargetAlias\n"
"  --chap USER:SECRET     initiators have to prove that they know it\n"
"  --chap-mutual USER:SECRET   what the target proves\n"
"  --chap-algorithms LIST numbers of RFC 7143 (5 MD5, 6 SHA1, 7 SHA-256,\n"
"                         8 SHA3-256) that are taken\n"
"  --key NAME=VALUE       what the target wants an operational key to be\n"
"  --window N             commands that may be under way in a session\n"
"  --tpgt N               target portal group tag\n"
"  --separate-status      no status in Data-In PDUs\n"
"  --redirect ADDR:PORT   every login to a target is sent there\n"
"  --redirect-forever     ... with \"moved permanently\"\n"
"  --announce ADDR[:PORT] SendTargets tells of this instead of --listen;\n"
"                         repeatable\n"
"  --no-discovery         Discovery sessions are not allowed\n"
"  --answer FILE          SendTargets is answered with this, whatever it is\n"
"  --nop SECONDS          ping initiators that are silent for so long\n"
"  --fault RULE           misbehave (see below); repeatable\n"
"  --scenario FILE        a rule on each line; # begins a comment\n"
"  --seed N               of all chance in the rules\n"
"  -v, --verbose          print every PDU, and every fault\n"
"  -h, --help             this page\n"
"      --version\n"
"\n"
"Faults are layers around an honest target. A RULE is KIND[=VALUE][,WORD...],\n"
"in a scenario with blanks instead of commas. The kinds, \"it\" is a PDU, a\n"
"command or a login:\n"
"\n";

static const char usage_selectors[] =
"\n"
"TIME is 5, 5s, 20ms, 300us or ever. Words say which PDUs; those that fit all\n"
"of them are counted from 1:\n"
"\n";

static const char usage_words[] =
"  in, out                only what is received; only what is sent\n"
"  read, write            commands with the R or the W bit, and what belongs\n"
"                         to them\n"
"  status                 what carries a SCSI status\n"
"  lun=N  cid=N  portal=ADDR:PORT\n"
"  from=TIME  to=TIME     since the target began\n"
"  skip=N                 not the first N; what is behind counts from 1\n"
"  nth=N                  only the Nth\n"
"  every=N                each Nth\n"
"  chance=P%              each with this probability\n"
"  times=N, once          at most so often\n"
"  each                   skip, nth and every count on each connection\n"
"\n"
"  lunfs-target --fault cut=20,on=data-in,nth=100,each\n"
"  lunfs-target --fault delay=200ms,on=scsi-response,chance=5% --seed 7\n"
"  lunfs-target --fault drop,on=r2t,nth=3 --fault set=stat_sn:+1,status,once\n";

enum { INDENT = 25, COLUMNS = 79 };

/* The text, from column INDENT on. */
static void
print_wrapped(const char *left, const char *text)
{
	const size_t width = COLUMNS - INDENT;

	printf("  %-22s", left);
	while (*text) {
		size_t len = strlen(text);

		if (len > width)
			for (len = width; text[len] != ' '; len--)
				;
		printf(" %.*s\n", (int)len, text);
		text += len + (text[len] == ' ');
		if (*text)
			printf("%24s", "");
	}
}

static void
print_words(const char *left, const struct word *words, const char *more)
{
	char text[1000];
	size_t n = 0;

	for (; words->name; words++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s",
				      n ? " " : "", words->name);
	snprintf(text + n, sizeof(text) - n, "%s", more);
	print_wrapped(left, text);
}

static void
print_kinds(void)
{
	for (int i = 0; i < FAULT_KINDS; i++) {
		const char *name, *value, *what;
		char left[40];

		fault_help((enum fault_kind)i, &name, &value, &what);
		snprintf(left, sizeof(left), "%s%s%s", name,
			 *value && *value != '[' ? "=" : "", value);
		print_wrapped(left, what);
	}
}

void
usage_print(void)
{
	fputs(usage, stdout);
	print_kinds();
	putchar('\n');
	print_words("FIELD is", word_field_names, "");
	print_words("EVENT is", word_events, " or a number");
	print_words("REASON is", word_reasons, " or a number");
	print_words("STATUS is", word_statuses, " or a number");
	fputs(usage_selectors, stdout);
	print_words("on=PDU|PDU...", word_opcodes, " or an opcode as 0x21");
	fputs(usage_words, stdout);
}
