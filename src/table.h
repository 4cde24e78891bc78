/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text in columns that are as wide as their widest cell, with whole lines in
 * between. What peers sent is escaped for the terminal.
 */
#ifndef TABLE_H
#define TABLE_H

#include <stdbool.h>
#include <stddef.h>

enum { TABLE_COLUMNS = 5 };

struct table {
	size_t n;
	struct table_row *rows;
	bool incomplete;	/* something had no memory */
};

/* Cells are copied; NULL ends the row early. Memory that is short is told when
 * the table is printed. */
void table_row(struct table *t, const char *cells[TABLE_COLUMNS]);
void table_line(struct table *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* To stdout; the table is empty afterwards. False: nothing was printed, as
 * there was no memory for all of it. */
bool table_print(struct table *t);

#endif
