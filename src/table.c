/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text in columns. Memory that is short ends the program: it prints once. */
#include "table.h"

#include <err.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

struct table_row {
	char *cells[TABLE_COLUMNS];
	bool whole_line;
};

enum { CELL_MAX = 1024 };

static char *
clean_copy(const char *text)
{
	char clean[CELL_MAX];
	char *copy = strdup(text_printable(text, clean, sizeof(clean)));

	if (!copy)
		err(1, "table");
	return copy;
}

static struct table_row *
add(struct table *t)
{
	t->rows = reallocarray(t->rows, t->n + 1, sizeof(*t->rows));
	if (!t->rows)
		err(1, "table");
	t->rows[t->n] = (struct table_row){ 0 };
	return &t->rows[t->n++];
}

void
table_row(struct table *t, const char *cells[TABLE_COLUMNS])
{
	struct table_row *row = add(t);

	for (size_t i = 0; i < TABLE_COLUMNS && cells[i]; i++)
		row->cells[i] = clean_copy(cells[i]);
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
	row->cells[0] = clean_copy(text);
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

static void
print_row(const struct table_row *row, const size_t widths[TABLE_COLUMNS])
{
	for (size_t i = 0; i < TABLE_COLUMNS && row->cells[i]; i++) {
		bool last = i + 1 == TABLE_COLUMNS || !row->cells[i + 1];
		size_t pad = last ? 0 : widths[i] - width(row->cells[i]) + 2;

		printf("%s%*s", row->cells[i], (int)pad, "");
	}
	putchar('\n');
}

void
table_print(struct table *t)
{
	size_t widths[TABLE_COLUMNS] = { 0 };

	for (size_t r = 0; r < t->n; r++)
		for (size_t i = 0; i < TABLE_COLUMNS; i++) {
			const char *cell = t->rows[r].cells[i];

			if (cell && !t->rows[r].whole_line &&
			    width(cell) > widths[i])
				widths[i] = width(cell);
		}
	for (size_t r = 0; r < t->n; r++) {
		print_row(&t->rows[r], widths);
		for (size_t i = 0; i < TABLE_COLUMNS; i++)
			free(t->rows[r].cells[i]);
	}
	free(t->rows);
	*t = (struct table){ 0 };
}
