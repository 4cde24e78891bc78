/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A list that is longer than the buffer is asked for again (RFC 7143 11.4.5.3). */
#include "scsi/luns.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "scsi/cdb.h"
#include "wire/lun.h"

enum {
	LIST_HEADER_LEN	= 8,
	ENTRY_LEN	= 8,
	SIZE_MIN	= LIST_HEADER_LEN + 64 * ENTRY_LEN,
	SIZE_MAX_	= LIST_HEADER_LEN + LUNS_MAX * ENTRY_LEN,
	ROUNDS_MAX	= 8,		/* the list may grow while we ask */
};

static void
luns_end(struct luns *l, int code, const char *text)
{
	l->code = code;
	if (code == 0)
		text = "";
	strncpy(l->text, text, sizeof(l->text) - 1);
	l->text[sizeof(l->text) - 1] = '\0';
	l->done(l);
}

/* 0, or LUN_ENOMEM. */
static int
buffer_resize(struct luns *l, size_t size)
{
	uint8_t *p = realloc(l->buffer, size);

	if (!p)
		return LUN_ENOMEM;
	l->buffer = p;
	l->size = size;
	return 0;
}

static void
ask(struct luns *l)
{
	struct command *c = &l->query.command;

	memset(l->buffer, 0, l->size);
	cdb_report_luns(c, (uint32_t)l->size);
	c->in = l->buffer;
	c->in_len = (uint32_t)l->size;
	query_start(&l->query);
}

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* 0, or LUN_ENOMEM. */
static int
take_list(struct luns *l, const uint8_t *p, size_t count)
{
	uint64_t *lun = malloc((count > 0 ? count : 1) * sizeof(*lun));
	size_t n = 0, unique = 0;

	if (!lun)
		return LUN_ENOMEM;
	for (size_t i = 0; i < count; i++) {
		uint64_t v = get64(p + ENTRY_LEN * i);

		if (!lun_is_well_known(v))
			lun[n++] = v;
	}
	qsort(lun, n, sizeof(*lun), compare);
	for (size_t i = 0; i < n; i++)
		if (unique == 0 || lun[unique - 1] != lun[i])
			lun[unique++] = lun[i];
	l->lun = lun;
	l->n = unique;
	return 0;
}

static void
answered(struct luns *l)
{
	size_t have = l->query.outcome.moved;

	if (have < LIST_HEADER_LEN) {
		luns_end(l, LUN_EPROTO, "REPORT LUNS: the answer is too short");
		return;
	}

	size_t full = LIST_HEADER_LEN + (size_t)get32(l->buffer);

	if (full > l->size && l->size < SIZE_MAX_ && l->rounds++ < ROUNDS_MAX) {
		if (buffer_resize(l, full < SIZE_MAX_ ? full : SIZE_MAX_) < 0)
			luns_end(l, LUN_ENOMEM, "REPORT LUNS: out of memory");
		else
			ask(l);
		return;
	}
	if (full > SIZE_MAX_)
		env_log(l->unit.nexus->env, LUN_LOG_WARNING,
			"%s: REPORT LUNS: %zu logical units, only the first %d "
			"are used", l->unit.nexus->label, (full - LIST_HEADER_LEN) / ENTRY_LEN, LUNS_MAX);
	if (have > full)
		have = full;
	if (take_list(l, l->buffer + LIST_HEADER_LEN,
		      (have - LIST_HEADER_LEN) / ENTRY_LEN) < 0)
		luns_end(l, LUN_ENOMEM, "REPORT LUNS: out of memory");
	else
		luns_end(l, 0, "");
}

static void
query_done(struct query *q)
{
	struct luns *l = q->user;
	const struct outcome *o = &q->outcome;
	char text[OUTCOME_TEXT_MAX];

	if (l->cancelled) {
		luns_end(l, LUN_ECANCELED, "REPORT LUNS: cancelled");
	} else if (o->action == ACTION_DONE) {
		answered(l);
	} else if (o->has_sense && o->sense.key == KEY_ILLEGAL_REQUEST) {
		static const uint8_t lun_0[ENTRY_LEN];

		if (take_list(l, lun_0, 1) < 0)
			luns_end(l, LUN_ENOMEM, "REPORT LUNS: out of memory");
		else
			luns_end(l, 0, "");
	} else {
		luns_end(l, o->code, outcome_text(text, &q->command));
	}
}

int
luns_init(struct luns *l, struct nexus *nexus, lun_time patience,
	  void (*done)(struct luns *l), void *user)
{
	*l = (struct luns){ .done = done, .user = user };
	if (unit_init(&l->unit, nexus, 0, true) < 0 ||
	    query_init(&l->query, &l->unit, patience, query_done, l) < 0 ||
	    buffer_resize(l, SIZE_MIN) < 0) {
		luns_deinit(l);
		return LUN_ENOMEM;
	}
	return 0;
}

void
luns_deinit(struct luns *l)
{
	query_deinit(&l->query);
	unit_deinit(&l->unit);
	free(l->buffer);
	free(l->lun);
	*l = (struct luns){ 0 };
}

void
luns_start(struct luns *l)
{
	free(l->lun);
	l->lun = NULL;
	l->n = 0;
	l->rounds = 0;
	l->cancelled = false;
	ask(l);
}

void
luns_cancel(struct luns *l)
{
	l->cancelled = true;
	query_cancel(&l->query);
}

bool
luns_running(const struct luns *l)
{
	return l->query.running;
}
