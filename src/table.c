/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text in columns. */
#include "table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

struct table_row {
	char *cells[TABLE_COLUMNS];
	bool whole_line;
};

enum { CELL_MAX = 1024 };

static char *
clean_copy(struct table *t, const char *text)
{
	char clean[CELL_MAX];
	char *copy = strdup(text_shown(STDOUT_FILENO, text, clean,
				       sizeof(clean)));

	t->incomplete |= !copy;
	return copy;
}

/* NULL: out of memory. */
static struct table_row *
add(struct table *t)
{
	struct table_row *more = reallocarray(t->rows, t->n + 1,
					      sizeof(*t->rows));

	if (!more) {
		t->incomplete = true;
		return NULL;
	}
	t->rows = more;
	t->rows[t->n] = (struct table_row){ 0 };
	return &t->rows[t->n++];
}

void
table_row(struct table *t, const char *cells[TABLE_COLUMNS])
{
	struct table_row *row = add(t);

	for (size_t i = 0; row && i < TABLE_COLUMNS && cells[i]; i++)
		row->cells[i] = clean_copy(t, cells[i]);
}

void
table_line(struct table *t, const char *fmt, ...)
{
	struct table_row *row = add(t);
	char text[CELL_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!row)
		return;
	row->cells[0] = clean_copy(t, text);
	row->whole_line = true;
}

/* How many places a terminal needs: characters, not bytes. */
static size_t
width(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

/* No blanks at the end of the line. */
static void
print_row(const struct table_row *row, const size_t widths[TABLE_COLUMNS])
{
	size_t used = 0, pad = 0;

	for (size_t i = 0; i < TABLE_COLUMNS && row->cells[i]; i++)
		if (*row->cells[i])
			used = i + 1;
	for (size_t i = 0; i < used; i++) {
		printf("%*s%s", (int)pad, "", row->cells[i]);
		pad = widths[i] - width(row->cells[i]) + 2;
	}
	putchar('\n');
}

static void
print_rows(const struct table *t)
{
	size_t widths[TABLE_COLUMNS] = { 0 };

	for (size_t r = 0; r < t->n; r++)
		for (size_t i = 0; i < TABLE_COLUMNS; i++) {
			const char *cell = t->rows[r].cells[i];

			if (cell && !t->rows[r].whole_line &&
			    width(cell) > widths[i])
				widths[i] = width(cell);
		}
	for (size_t r = 0; r < t->n; r++)
		print_row(&t->rows[r], widths);
}

bool
table_print(struct table *t)
{
	bool complete = !t->incomplete;

	if (complete)
		print_rows(t);
	for (size_t r = 0; r < t->n; r++)
		for (size_t i = 0; i < TABLE_COLUMNS; i++)
			free(t->rows[r].cells[i]);
	free(t->rows);
	*t = (struct table){ 0 };
	return complete;
}
