/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lunfs status: what goes on in a mount, from its status.json. */
#include <inttypes.h>
#include <json-c/json_tokener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "control.h"
#include "json.h"
#include "log.h"
#include "table.h"
#include "text.h"

enum { LINE = 1000 };

static void
pair(struct table *table, const char *name, const char *value)
{
	table_row(table, (const char *[TABLE_COLUMNS]){ name, value });
}

/* Is there a number (it is null if it means nothing now)? As seconds. */
static bool
seconds_of(struct json_object *o, const char *name, double *out)
{
	struct json_object *value = json_object_object_get(o, name);

	*out = json_object_get_double(value) / 1000;
	return value != NULL;
}

/* ------------------------------------------------------------ sessions -- */

static size_t
n_logged_in(struct json_object *connections)
{
	size_t n = 0;

	for (size_t i = 0; i < json_object_array_length(connections); i++)
		n += strcmp(json_text_of(json_object_array_get_idx(
			connections, i), "state"), "LOGGED_IN") == 0;
	return n;
}

/* The state; and what it has less of than was asked for. */
static void
state_row(struct table *table, struct json_object *session,
	  struct json_object *connections)
{
	size_t n = connections ? n_logged_in(connections) : 0;
	uint64_t wanted = json_number_of(session, "wanted_connections");
	uint64_t erl = json_number_of(session, "erl");
	uint64_t wanted_erl = json_number_of(session, "wanted_erl");
	const char *state = json_text_of(session, "state");
	char fewer[80] = "", lower[80] = "", line[LINE];
	bool up = strcmp(state, "LOGGED_IN") == 0;

	if (up && n < wanted)
		snprintf(fewer, sizeof(fewer), ", %zu of %" PRIu64
			 " connections", n, wanted);
	if (up && erl < wanted_erl)
		snprintf(lower, sizeof(lower), ", error recovery level %" PRIu64
			 " instead of %" PRIu64, erl, wanted_erl);
	snprintf(line, sizeof(line), "%s%s%s", state, fewer, lower);
	pair(table, "  state", line);
}

static void
outage_rows(struct table *table, struct json_object *session)
{
	uint64_t attempt = json_number_of(session, "attempts");
	char number[24] = "", line[LINE];
	double lost, next;

	if (seconds_of(session, "lost_ms", &lost)) {
		snprintf(line, sizeof(line), "for %.1f s", lost);
		pair(table, "  lost", line);
	}
	if (!*json_text_of(session, "cause"))
		return;
	pair(table, "  cause", json_text_of(session, "cause"));
	if (attempt > 0)
		snprintf(number, sizeof(number), "%" PRIu64 " ", attempt);
	if (seconds_of(session, "next_attempt_ms", &next))
		snprintf(line, sizeof(line), "%sin %.1f s", number, next);
	else
		snprintf(line, sizeof(line), "%sunder way", number);
	pair(table, "  attempt", line);
	if (seconds_of(session, "gives_up_ms", &next)) {
		snprintf(line, sizeof(line), "in %.1f s", next);
		pair(table, "  gives up", line);
	}
}

/* What waits for a target that has stopped answering, before that is noticed. */
static void
request_row(struct table *table, struct json_object *session)
{
	uint64_t n = json_number_of(session, "requests");
	char line[LINE];
	double oldest;

	if (n == 0 || !seconds_of(session, "oldest_ms", &oldest))
		return;
	snprintf(line, sizeof(line), "%" PRIu64 ", the oldest for %.1f s", n,
		 oldest);
	pair(table, "  requests", line);
}

/* Those that have counted something. */
static void
counter_rows(struct table *table, struct json_object *counters,
	     const char *indent)
{
	char name[80];

	json_object_object_foreach(counters, key, value) {
		if (json_object_get_uint64(value) == 0)
			continue;
		snprintf(name, sizeof(name), "%s%s", indent, key);
		pair(table, name, json_object_get_string(value));
	}
}

static void
connection_rows(struct table *table, struct json_object *c, bool several)
{
	char name[40], in[TEXT_SIZE_MAX], out[TEXT_SIZE_MAX], line[LINE];
	struct json_object *counters = json_object_object_get(c, "counters");
	const char *portal = json_text_of(c, "portal");

	snprintf(name, sizeof(name), "  connection %" PRIu64,
		 json_number_of(c, "cid"));
	snprintf(line, sizeof(line),
		 "%s%s%s, %" PRIu64 " commands, %s in, %s out", portal,
		 *portal ? ", " : "", json_text_of(c, "state"),
		 json_number_of(c, "commands"),
		 text_size(json_number_of(c, "bytes_in"), in),
		 text_size(json_number_of(c, "bytes_out"), out));
	pair(table, name, line);
	if (several && counters)	/* one has what the session has */
		counter_rows(table, counters, "    ");
}

/* wanted: so many with each target. */
static void
session_rows(struct table *table, struct json_object *session, uint64_t wanted)
{
	struct json_object *list = json_object_object_get(session,
							  "connections");
	struct json_object *counters = json_object_object_get(session,
							      "counters");
	size_t n = list ? json_object_array_length(list) : 0;

	if (wanted > 1)
		table_line(table, "%s, session %" PRIu64 " of %" PRIu64,
			   json_text_of(session, "target"),
			   json_number_of(session, "number"), wanted);
	else
		table_line(table, "%s", json_text_of(session, "target"));
	state_row(table, session, list);
	outage_rows(table, session);
	request_row(table, session);
	for (size_t i = 0; i < n; i++)
		connection_rows(table, json_object_array_get_idx(list, i),
				n > 1);
	if (counters)
		counter_rows(table, counters, "  ");
}

/* ---------------------------------------------------------------- LUNs -- */

static void
lun_row(struct table *table, struct json_object *lun)
{
	char size[TEXT_SIZE_MAX];

	table_row(table, (const char *[TABLE_COLUMNS]){
		json_text_of(lun, "url"),
		text_size(json_number_of(lun, "size"), size),
		json_text_of(lun, "state"),
		json_text_of(lun, "reason"),
	});
}

/* Two tables, so that a URL does not widen the columns of the sessions. */
static enum exit_code
show(const char *path, struct json_object *status)
{
	struct json_object *sessions = json_object_object_get(status,
							      "sessions");
	struct json_object *luns = json_object_object_get(status, "luns");
	uint64_t wanted = json_number_of(status, "wanted_sessions");
	struct table table = { 0 };

	for (size_t i = 0; sessions && i < json_object_array_length(sessions);
	     i++)
		session_rows(&table, json_object_array_get_idx(sessions, i),
			     wanted);
	bool complete = table_print(&table);
	for (size_t i = 0; luns && i < json_object_array_length(luns); i++)
		lun_row(&table, json_object_array_get_idx(luns, i));
	complete &= table_print(&table);
	complete &= json_complete();
	if (!complete)
		log_say(LUN_LOG_ERROR, "%s: out of memory", path);
	return complete ? EXIT_DONE : EXIT_FAILED;
}

/*
 * NULL: no JSON, or out of memory, of which json-c 0.16 says nothing: it goes on
 * without a name or a part of a value. But the text came from its printer: what
 * was read well gives the same again.
 */
static struct json_object *
parse(const char *text, size_t length)
{
	struct json_object *status = json_tokener_parse(text);
	size_t n = 0;
	char *again = json_print(status, &n);
	bool same = again && n == length && memcmp(again, text, n) == 0;

	free(again);
	if (same && json_object_is_type(status, json_type_object))
		return status;
	json_object_put(status);
	return NULL;
}

int
cmd_status(struct opts *o)
{
	struct lun_error err = { 0 };
	struct json_object *status;
	size_t length;
	char *text;

	if (control_status(&text, &length, o->args[0], &err) < 0) {
		log_say(LUN_LOG_ERROR, "%s", err.text);
		return EXIT_FAILED;
	}
	status = parse(text, length);
	if (!status) {
		log_say(LUN_LOG_ERROR, "%s: its status can't be read: no JSON, "
			"or out of memory", o->args[0]);
		free(text);
		return EXIT_FAILED;
	}
	enum exit_code code = EXIT_DONE;
	if (o->json)
		fwrite(text, 1, length, stdout);
	else
		code = show(o->args[0], status);
	json_object_put(status);
	free(text);
	return finish_stdout(code);
}
