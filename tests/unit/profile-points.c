/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the RFC 3722 profile makes of every code point, for test-names-points.py:
 *
 *	profile-points query|stored BEFORE AFTER FIRST LAST
 *
 * prepares BEFORE, the code point and AFTER. One line for each run of code
 * points with the same outcome: first, last, "same", the table that forbids
 * it, or what it becomes in hexadecimal UTF-8.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names/profile.h"

enum { OUTCOME_MAX = 512 };

static size_t
utf8_put(char *out, uint32_t c)
{
	static const uint8_t leads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = n; i-- > 1; c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(leads[n] | c);
	out[n] = '\0';
	return n;
}

static void
outcome(char out[OUTCOME_MAX], const char *in, bool stored)
{
	char name[NAME_MAX_LEN + 1];
	struct lun_error err;

	if (name_profile(in, name, stored, &err) != 0) {
		const char *table = strrchr(err.text, ';');

		strcpy(out, table ? table + 2 : err.text);
	} else if (strcmp(in, name) == 0) {
		strcpy(out, "same");
	} else {
		out[0] = '\0';
		for (size_t i = 0; name[i]; i++)
			sprintf(out + 2 * i, "%02x", (unsigned char)name[i]);
	}
}

int
main(int argc, char **argv)
{
	char now[OUTCOME_MAX], run[OUTCOME_MAX] = "", text[64];

	if (argc != 6 || strlen(argv[2]) + strlen(argv[3]) > 32)
		return 2;

	bool stored = strcmp(argv[1], "stored") == 0;
	uint32_t from = (uint32_t)strtoul(argv[4], NULL, 16), start = from;
	uint32_t to = (uint32_t)strtoul(argv[5], NULL, 16);
	size_t before = strlen(strcpy(text, argv[2]));

	for (uint32_t c = from; c <= to; c++) {
		size_t n = before + utf8_put(text + before, c);

		strcpy(text + n, argv[3]);
		outcome(now, text, stored);
		if (c > from && strcmp(now, run) != 0) {
			printf("%04X %04X %s\n", start, c - 1, run);
			start = c;
		}
		strcpy(run, now);
	}
	printf("%04X %04X %s\n", start, to, run);
	return 0;
}
