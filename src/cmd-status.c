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

static void
state_rows(struct table *table, struct json_object *session)
{
	uint64_t attempt = json_number_of(session, "attempts");
	double lost, next;
	char line[LINE];

	if (!seconds_of(session, "lost_ms", &lost)) {
		pair(table, "  state", json_text_of(session, "state"));
		return;
	}
	snprintf(line, sizeof(line), "%s, lost for %.1f s",
		 json_text_of(session, "state"), lost);
	pair(table, "  state", line);
	pair(table, "  cause", json_text_of(session, "cause"));
	if (seconds_of(session, "next_attempt_ms", &next))
		snprintf(line, sizeof(line), "%" PRIu64 " in %.1f s", attempt,
			 next);
	else
		snprintf(line, sizeof(line), "%" PRIu64 " under way", attempt);
	pair(table, "  attempt", line);
}

static void
connection_row(struct table *table, struct json_object *c)
{
	char name[40], in[TEXT_SIZE_MAX], out[TEXT_SIZE_MAX], line[LINE];

	snprintf(name, sizeof(name), "  connection %" PRIu64,
		 json_number_of(c, "cid"));
	snprintf(line, sizeof(line),
		 "%s, %s, %" PRIu64 " commands, %s in, %s out",
		 json_text_of(c, "portal"), json_text_of(c, "state"),
		 json_number_of(c, "commands"),
		 text_size(json_number_of(c, "bytes_in"), in),
		 text_size(json_number_of(c, "bytes_out"), out));
	pair(table, name, line);
}

/* Those that have counted something. */
static void
counter_rows(struct table *table, struct json_object *counters)
{
	char name[80];

	json_object_object_foreach(counters, key, value) {
		if (json_object_get_uint64(value) == 0)
			continue;
		snprintf(name, sizeof(name), "  %s", key);
		pair(table, name, json_object_get_string(value));
	}
}

static void
session_rows(struct table *table, struct json_object *session)
{
	struct json_object *list = json_object_object_get(session,
							  "connections");
	struct json_object *counters = json_object_object_get(session,
							      "counters");

	table_line(table, "%s", json_text_of(session, "target"));
	state_rows(table, session);
	for (size_t i = 0; list && i < json_object_array_length(list); i++)
		connection_row(table, json_object_array_get_idx(list, i));
	if (counters)
		counter_rows(table, counters);
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
	struct table table = { 0 };

	for (size_t i = 0; sessions && i < json_object_array_length(sessions);
	     i++)
		session_rows(&table, json_object_array_get_idx(sessions, i));
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
