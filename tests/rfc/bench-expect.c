/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What came of it: the PDUs of the initiator, its commands, its end. */
#include "rfc/bench-impl.h"

struct got *
bench_next(struct bench *b)
{
	return b->next < b->n_got ? b->got[b->next++] : NULL;
}

struct got *
bench_expect(struct bench *b, enum opcode opcode)
{
	struct got *got = bench_next(b);

	if (!got)
		bench_fail(b, "expected a %s, but nothing came", pdu_name((uint8_t)opcode));
	if (got->pdu.opcode != opcode)
		bench_fail(b, "expected a %s, but a %s came",
			   pdu_name((uint8_t)opcode), pdu_name(got->pdu.opcode));
	return got;
}

void
bench_expect_nothing(struct bench *b)
{
	struct got *got = bench_next(b);

	if (got)
		bench_fail(b, "expected nothing, but a %s came",
			   pdu_name(got->pdu.opcode));
}

static const char *
find_key(const struct got *got, const char *key, int *count)
{
	const char *p = (const char *)got->data, *found = NULL;
	const char *end = p ? p + got->pdu.data_segment_length : p;
	size_t n = strlen(key);

	*count = 0;
	for (; p < end; p += strnlen(p, (size_t)(end - p)) + 1)
		if ((size_t)(end - p) > n && !memcmp(p, key, n) && p[n] == '=') {
			found = found ? found : p + n + 1;
			++*count;
		}
	return found;
}

const char *
got_key(const struct got *got, const char *key)
{
	int count;

	return find_key(got, key, &count);
}

int
got_key_count(const struct got *got, const char *key)
{
	int count;

	find_key(got, key, &count);
	return count;
}

void
bench_done(struct bench *b, struct command *cmd, int result)
{
	struct order *o = container_of(cmd, struct order, cmd);

	if (o->done != 1)
		bench_fail(b, "the command completed %u times", o->done);
	if (cmd->result != result)
		bench_fail(b, "the result is %d, not %d", cmd->result, result);
}

void
bench_pending(struct bench *b, struct command *cmd)
{
	struct order *o = container_of(cmd, struct order, cmd);

	if (o->done)
		bench_fail(b, "the command completed: result %d", cmd->result);
}

void
bench_check_read(struct bench *b, struct command *cmd, uint32_t len)
{
	const uint8_t *p = cmd->in;

	for (uint32_t i = 0; i < len; i++)
		if (p[i] != bench_pattern(i))
			bench_fail(b, "byte %u is 0x%02x, not 0x%02x", i, p[i],
				   bench_pattern(i));
}

void
bench_check_untouched(struct bench *b, struct command *cmd)
{
	const uint8_t *p = cmd->in;

	for (uint32_t i = 0; i < cmd->in_len; i++)
		if (p[i] != 0xee)
			bench_fail(b, "byte %u was written: 0x%02x", i, p[i]);
}

void
bench_expect_down(struct bench *b, int code, const char *part)
{
	if (!b->down)
		bench_fail(b, "the session did not end");
	if (b->error.code != code || !strstr(b->error.text, part))
		bench_fail(b, "it ended with %d, \"%s\"; expected %d, \"%s\"",
			   b->error.code, b->error.text, code, part);
	for (size_t i = 0; i < LINES_MAX; i++)
		if (b->lines[i].conn)
			bench_fail(b, "it ended, but connection %zu is open", i);
}

bool
bench_closed(struct bench *b)
{
	return b->l->closed;
}

bool
bench_up(struct bench *b)
{
	return b->up && !b->down;
}

unsigned
bench_ups(struct bench *b)
{
	return b->ups;
}

unsigned
bench_losses(struct bench *b)
{
	return b->losses;
}

unsigned
bench_connects(struct bench *b)
{
	return b->connects;
}

const struct portal *
bench_portal(struct bench *b)
{
	return &b->l->portal;
}

struct session *
bench_session(struct bench *b)
{
	return b->s ? b->s : recovery_session(b->recovery);
}

struct conn *
bench_conn(struct bench *b)
{
	return b->l->conn;
}

lun_time
bench_now(struct bench *b)
{
	return b->now;
}

/* b->n_log: there is none. */
static size_t
last_line(const struct bench *b, const char *part)
{
	for (size_t i = b->n_log; i-- > 0;)
		if (strstr(b->log[i], part))
			return i;
	return b->n_log;
}

const char *
bench_logged(struct bench *b, const char *part)
{
	size_t i = last_line(b, part);

	return i < b->n_log ? b->log[i] : NULL;
}

bool
bench_logged_behind(struct bench *b, const char *part, const char *other)
{
	size_t i = last_line(b, part);

	return i < b->n_log && last_line(b, other) < i;
}

static unsigned
lines_up_to(const struct bench *b, enum lun_log_level level, const char *part)
{
	unsigned n = 0;

	for (size_t i = 0; i < b->n_log; i++)
		n += b->log_level[i] <= level && strstr(b->log[i], part);
	return n;
}

unsigned
bench_told(struct bench *b, const char *part)
{
	return lines_up_to(b, LUN_LOG_INFO, part);
}

unsigned
bench_said(struct bench *b, const char *part)
{
	return lines_up_to(b, LUN_LOG_DEBUG, part);
}

unsigned
bench_scsi_events(struct bench *b)
{
	return b->scsi_events;
}

uint64_t
bench_event_lun(struct bench *b)
{
	return b->event_lun;
}

const uint8_t *
bench_event_sense(struct bench *b)
{
	return b->event_sense;
}

size_t
bench_connections(struct bench *b)
{
	size_t n = 0;

	while (session_conn(bench_session(b), n))
		n++;
	return n;
}

void
bench_works_on(struct bench *b, size_t line)
{
	struct command *cmd = bench_nodata(b, 0);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);

	if (got->line != line)
		bench_fail(b, "it went on line %zu, not %zu", got->line, line);
	bench_response(b, got, SCSI_GOOD);
	bench_done(b, cmd, 0);
}
