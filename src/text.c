/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Peer text for terminals and JSON; numbers and URLs for people. */
#include "text.h"

#include <langinfo.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * The length of the UTF-8 character at s, and its code point; 0 if there is
 * none: a stray byte, an overlong form, a surrogate, beyond U+10FFFF.
 */
static size_t
utf8_char(const unsigned char *s, uint32_t *cp)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len;

	if (s[0] < 0x80) {
		*cp = s[0];
		return 1;
	}
	if (s[0] >= 0xc2 && s[0] < 0xe0)
		len = 2, *cp = s[0] & 0x1f;
	else if (s[0] >= 0xe0 && s[0] < 0xf0)
		len = 3, *cp = s[0] & 0x0f;
	else if (s[0] >= 0xf0 && s[0] < 0xf5)
		len = 4, *cp = s[0] & 0x07;
	else
		return 0;
	for (size_t i = 1; i < len; i++) {	/* a NUL ends it, too */
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*cp = *cp << 6 | (s[i] & 0x3f);
	}
	if (*cp < least[len] || *cp > 0x10ffff ||
	    (*cp >= 0xd800 && *cp <= 0xdfff))
		return 0;
	return len;
}

/* Characters that move the cursor or turn the direction of a line. */
static bool
is_control(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0x061c ||
	       (cp >= 0x200e && cp <= 0x200f) ||
	       (cp >= 0x2028 && cp <= 0x202e) ||
	       (cp >= 0x2066 && cp <= 0x2069) || cp == 0xfeff;
}

enum escapes {
	BAD_BYTES,		/* what is no UTF-8: \xNN */
	CONTROLS,		/* these, too */
	FOREIGN,		/* and all that is not ASCII: %NN, as in URLs */
};

static char *
copy_escaped(const char *text, char *out, size_t size, enum escapes what)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t have = 0;

	while (*s) {
		uint32_t cp;
		size_t len = utf8_char(s, &cp);
		bool control = len == 0 || (what >= CONTROLS && is_control(cp));
		bool foreign = what == FOREIGN && len > 1;

		len = len ? len : 1;
		if (have + (control || foreign ? 4 * len : len) >= size)
			break;
		for (size_t i = 0; i < len; i++, s++)
			if (control)
				have += (size_t)sprintf(out + have, "\\x%02x",
							*s);
			else if (foreign)
				have += (size_t)sprintf(out + have, "%%%02X",
							*s);
			else
				out[have++] = (char)*s;
	}
	out[have] = '\0';
	return out;
}

char *
text_printable(const char *text, char *out, size_t size)
{
	return copy_escaped(text, out, size, CONTROLS);
}

/* Without a change to the locale of the program, whose files are UTF-8. */
static bool
locale_is_utf8(void)
{
	locale_t l = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	bool utf8 = l && strcmp(nl_langinfo_l(CODESET, l), "UTF-8") == 0;

	if (l)
		freelocale(l);
	return utf8;
}

char *
text_shown(int fd, const char *text, char *out, size_t size)
{
	bool foreign = isatty(fd) && !locale_is_utf8();

	return copy_escaped(text, out, size, foreign ? FOREIGN : CONTROLS);
}

char *
text_utf8(const char *text, char *out, size_t size)
{
	return copy_escaped(text, out, size, BAD_BYTES);
}

void
text_print_json(FILE *f, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	putc('"', f);
	while (*s) {
		uint32_t cp;
		size_t len = utf8_char(s, &cp);

		if (*s == '"' || *s == '\\')
			fprintf(f, "\\%c", *s);
		else if (len > 0 && is_control(cp))
			fprintf(f, "\\u%04x", (unsigned)cp);
		else
			fwrite(s, 1, len ? len : 1, f);
		s += len ? len : 1;
	}
	putc('"', f);
}

char *
text_size(uint64_t bytes, char out[TEXT_SIZE_MAX])
{
	static const char *const units[] = { "KiB", "MiB", "GiB",
					     "TiB", "PiB", "EiB" };
	double value = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(out, TEXT_SIZE_MAX, "%u B", (unsigned)bytes);
		return out;
	}
	for (; value >= 1023.95 && unit < 5; unit++)
		value /= 1024;
	snprintf(out, TEXT_SIZE_MAX, "%.1f %s", value, units[unit]);
	return out;
}

char *
text_portal(const char *address, uint16_t port, char out[TEXT_PORTAL_MAX])
{
	bool v6 = strchr(address, ':') != NULL;
	char behind[8] = "";

	if (port)
		snprintf(behind, sizeof(behind), ":%u", port);
	snprintf(out, TEXT_PORTAL_MAX, "%s%s%s%s", v6 ? "[" : "", address,
		 v6 ? "]" : "", behind);
	return out;
}
