/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text that came from a peer, made fit for a terminal and for JSON; numbers and
 * addresses for people. */
#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Copies text; control characters and what is no UTF-8 become \xNN. Cut to
 * size. Returns out. */
char *text_printable(const char *text, char *out, size_t size);

/* The same for a file: on a terminal that cannot show UTF-8, what is not ASCII
 * becomes %NN, which a URL takes. */
char *text_shown(int fd, const char *text, char *out, size_t size);

/* The same for JSON, where control characters are escaped later: only what is no
 * UTF-8 becomes \xNN. */
char *text_utf8(const char *text, char *out, size_t size);

/* A string of JSON, in its quotes; all control characters are escaped, also those
 * that JSON would allow: DEL, C1, those that turn the direction. */
void text_print_json(FILE *f, const char *text);

enum { TEXT_SIZE_MAX = 32 };
/* "512 B", "10.0 GiB". */
char *text_size(uint64_t bytes, char out[TEXT_SIZE_MAX]);

enum { TEXT_PORTAL_MAX = 280 };
/* "[::1]:7"; port 0: without one. */
char *text_portal(const char *address, uint16_t port,
		  char out[TEXT_PORTAL_MAX]);

#endif
