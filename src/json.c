/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LUN, SESSION and status as JSON. */
#include "json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/*
 * json-c gives NULL when it has no memory, takes NULL for null, and aborts when
 * something is put into NULL. So all that is made and put here is looked at.
 */
static _Thread_local bool incomplete;

static struct json_object *
made(struct json_object *o)
{
	incomplete |= !o;
	return o;
}

struct json_object *
json_new_object(void)
{
	return made(json_object_new_object());
}

struct json_object *
json_new_array(void)
{
	return made(json_object_new_array());
}

void
json_put(struct json_object *o, const char *name, struct json_object *value)
{
	if (o && json_object_object_add(o, name, value) == 0)
		return;
	incomplete = true;
	json_object_put(value);
}

void
json_append(struct json_object *list, struct json_object *value)
{
	if (list && json_object_array_add(list, value) == 0)
		return;
	incomplete = true;
	json_object_put(value);
}

bool
json_complete(void)
{
	bool complete = !incomplete;

	incomplete = false;
	return complete;
}

static void
put_u64(struct json_object *o, const char *name, uint64_t value)
{
	json_put(o, name, made(json_object_new_uint64(value)));
}

static void
put_bool(struct json_object *o, const char *name, bool value)
{
	json_put(o, name, made(json_object_new_boolean(value)));
}

static void
put_text(struct json_object *o, const char *name, const char *text)
{
	char clean[1024];

	json_put(o, name, made(json_object_new_string(
		text_utf8(text, clean, sizeof(clean)))));
}

struct json_object *
json_text(const char *text)
{
	char clean[1024];

	if (!text || !*text)
		return NULL;
	return made(json_object_new_string(text_utf8(text, clean,
						     sizeof(clean))));
}

struct json_object *
json_portals(const struct target *t)
{
	struct json_object *list = json_new_array();

	for (size_t i = 0; i < t->n_portals; i++) {
		const struct portal *p = &t->portals[i];

		if (!target_has_portal(t, i))
			continue;
		struct json_object *o = json_new_object();

		put_text(o, "address", p->address);
		put_u64(o, "port", p->port);
		json_put(o, "tpgt", p->tpgt < 0 ? NULL :
		    made(json_object_new_int(p->tpgt)));
		json_append(list, o);
	}
	return list;
}

const char *
json_string(struct json_object *value)
{
	const char *text = json_object_get_string(value);

	incomplete |= !text;
	return text ? text : "";
}

const char *
json_text_of(struct json_object *o, const char *name)
{
	struct json_object *value = json_object_object_get(o, name);

	return value ? json_string(value) : "";
}

uint64_t
json_number_of(struct json_object *o, const char *name)
{
	return json_object_get_uint64(json_object_object_get(o, name));
}

/* ---------------------------------------------------------------- LUN -- */

/* A number where the name is one; "4752-3a4f-6b7e-2f99" as text. */
static struct json_object *
lun_value(uint64_t lun)
{
	char name[LUN_NAME_MAX];
	char *end;

	lun_name(lun, name);
	uint64_t number = strtoull(name, &end, 10);
	if (*end == '\0')
		return made(json_object_new_uint64(number));
	return made(json_object_new_string(name));
}

/*
 * away: why its session is FAILED; NULL: it is not. At recovery level 2
 * connections are made again below the disks, which are not told: I/O waits all
 * the same, unless it is given up.
 */
static struct json_object *
lun_object(const struct target *t, const struct lun_disk *d, const char *away)
{
	const struct lun_disk_info *info = lun_disk_info(d);
	bool waits = away && info->state == LUN_DISK_READY && !info->lost;
	struct json_object *o = json_new_object();
	struct json_object *designators = json_new_array();
	char url[LUN_URL_TEXT_MAX];
	char clean[1024];

	json_put(o, "lun", lun_value(info->lun));
	put_text(o, "url", target_lun_url(t, info->lun, url));
	put_u64(o, "size", info->size);
	put_u64(o, "block_size", info->block_size);
	put_u64(o, "physical_block_size", info->physical_block_size);
	put_u64(o, "max_transfer", info->max_transfer);
	put_u64(o, "optimal_transfer", info->optimal_transfer);
	put_text(o, "vendor", info->vendor);
	put_text(o, "product", info->product);
	put_text(o, "revision", info->revision);
	put_text(o, "serial", info->serial);
	for (size_t i = 0; i < info->n_designators; i++)
		json_append(designators, made(json_object_new_string(
			text_utf8(info->designators[i], clean,
				  sizeof(clean)))));
	json_put(o, "designators", designators);
	put_bool(o, "read_only", info->read_only);
	put_bool(o, "thin", info->thin);
	put_bool(o, "write_cache", info->write_cache);
	put_text(o, "state", waits ? "waiting" : info->state_name);
	json_put(o, "reason", json_text(waits ? away : info->text));
	return o;
}

struct json_object *
json_lun(const struct target *t, const struct lun_disk *d)
{
	return lun_object(t, d, NULL);
}

/* ------------------------------------------------------------ SESSION -- */

static void
put_key(void *user, const char *key, const char *text, uint32_t number)
{
	if (text)
		put_text(user, key, text);
	else
		put_u64(user, key, number);
}

static struct json_object *
counters(const struct lun_counters *c, bool of_session)
{
	const struct {
		const char *name;
		uint64_t value;
		bool for_session;	/* only: no connection has a part in it */
	} all[] = {
		{ "session_recoveries",		c->session_recoveries, true },
		{ "connection_recoveries",	c->connection_recoveries },
		{ "tasks_reassigned",		c->tasks_reassigned },
		{ "tasks_retried",		c->tasks_retried },
		{ "snacks_sent",		c->snacks_sent },
		{ "header_digest_errors",	c->header_digest_errors },
		{ "data_digest_errors",		c->data_digest_errors },
		{ "task_timeouts",		c->task_timeouts },
		{ "nop_timeouts",		c->nop_timeouts },
		{ "rejects",			c->rejects },
		{ "async_messages",		c->async_messages },
		{ "lun_resets",			c->lun_resets },
		{ "target_resets",		c->target_resets },
		{ "aborts",			c->aborts },
	};
	struct json_object *o = json_new_object();

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (of_session || !all[i].for_session)
			put_u64(o, all[i].name, all[i].value);
	return o;
}

static struct json_object *
connections(const struct lun_session_info *info)
{
	struct json_object *list = json_new_array();

	for (size_t i = 0; i < info->n_connections; i++) {
		const struct lun_connection_info *c = &info->connections[i];
		struct json_object *o = json_new_object();

		put_u64(o, "cid", c->cid);
		put_text(o, "portal", c->portal);
		put_text(o, "state", c->state);
		put_u64(o, "commands", c->commands);
		put_u64(o, "bytes_in", c->bytes_in);
		put_u64(o, "bytes_out", c->bytes_out);
		json_put(o, "counters", counters(&c->counters, false));
		json_append(list, o);
	}
	return list;
}

/* null: it means nothing now. */
static void
put_ms(struct json_object *o, const char *name, int64_t ms)
{
	json_put(o, name, ms < 0 ? NULL : made(json_object_new_int64(ms)));
}

static struct json_object *
session_object(const struct lun_session_info *info, const char *isid)
{
	struct json_object *o = json_new_object();

	put_text(o, "target", info->target);
	put_text(o, "isid", isid);
	put_u64(o, "tsih", info->tsih);
	put_u64(o, "erl", info->erl);
	put_text(o, "state", info->state);
	json_put(o, "cause", json_text(info->cause));
	put_u64(o, "attempts", info->attempts);
	put_ms(o, "next_attempt_ms", info->next_attempt_ms);
	put_ms(o, "lost_ms", info->lost_ms);
	put_ms(o, "gives_up_ms", info->gives_up_ms);
	put_u64(o, "requests", info->requests);
	put_ms(o, "oldest_ms", info->oldest_ms);
	json_put(o, "connections", connections(info));
	json_put(o, "counters", counters(&info->counters, true));
	return o;
}

struct json_object *
json_session(const struct target *t)
{
	const struct lun_session_info *info = lun_session_info(t->session);
	struct json_object *keys = json_new_object();
	char isid[13];

	for (size_t i = 0; i < sizeof(info->isid); i++)
		snprintf(isid + 2 * i, 3, "%02x", info->isid[i]);

	struct json_object *o = session_object(info, isid);

	json_put(o, "alias", json_text(info->target_alias));
	put_u64(o, "wanted_erl", info->wanted_erl);
	put_u64(o, "wanted_connections", info->wanted_connections);
	lun_session_keys(t->session, put_key, keys);
	json_put(o, "negotiated", keys);
	return o;
}

static bool
is_up(const struct target *t)
{
	return t->session && t->state == TARGET_UP;
}

/* One that could not be made, and is tried again. */
static struct json_object *
no_session(const struct target *t)
{
	int64_t next = t->again_ms - target_clock_ms();
	const struct lun_session_info info = {
		.target = t->url.target,
		.state = "FREE",
		.cause = t->error,
		.attempts = t->backoff.failures + 1,
		.next_attempt_ms = t->again_ms == 0 ? -1 : next > 0 ? next : 0,
		.lost_ms = -1, .gives_up_ms = -1, .oldest_ms = -1,
	};
	struct json_object *o = session_object(&info, "");

	json_put(o, "negotiated", json_new_object());
	return o;
}

struct json_object *
json_sessions(const struct survey *sv, unsigned number)
{
	struct json_object *list = json_new_array();

	for (size_t i = 0; i < sv->n; i++) {
		const struct target *t = sv->v[i];
		struct json_object *o;

		if (is_up(t))
			o = json_session(t);
		else if (t->backoff.failures > 0 && !t->gone)
			o = no_session(t);
		else
			continue;
		put_u64(o, "number", number);
		json_append(list, o);
	}
	return list;
}

static void
put_luns(struct json_object *list, const struct target *t)
{
	const struct lun_session_info *info = lun_session_info(t->session);
	const char *away = strcmp(info->state, "FAILED") == 0 ? info->cause :
								NULL;
	struct lun_disk *disk;

	for (size_t i = 0; (disk = target_disk(t, &i));)
		json_append(list, lun_object(t, disk, away));
}

struct json_object *
json_status(const struct survey *sv, struct json_object *sessions,
	    unsigned wanted)
{
	struct json_object *o = json_new_object();
	struct json_object *luns = json_new_array();

	for (size_t i = 0; i < sv->n; i++)
		if (is_up(sv->v[i]))
			put_luns(luns, sv->v[i]);
	put_text(o, "version", LUNFS_VERSION);
	put_u64(o, "wanted_sessions", wanted);
	json_put(o, "sessions", sessions);
	json_put(o, "luns", luns);
	return o;
}

/* -------------------------------------------------------------- print -- */

/* By ourselves: json-c leaves out what it has no memory to print, and does not
 * tell. A stream tells. */

static void print_value(FILE *f, struct json_object *value, int depth);

/* What comes before the i-th of the elements within. */
static void
print_separator(FILE *f, size_t i, int depth)
{
	fprintf(f, "%s\n%*s", i > 0 ? "," : "", 2 * depth, "");
}

static void
print_object(FILE *f, struct json_object *o, int depth)
{
	size_t i = 0;

	putc('{', f);
	json_object_object_foreach(o, name, value) {
		print_separator(f, i++, depth + 1);
		text_print_json(f, name);
		fputs(": ", f);
		print_value(f, value, depth + 1);
	}
	print_separator(f, 0, depth);
	putc('}', f);
}

static void
print_array(FILE *f, struct json_object *list, int depth)
{
	putc('[', f);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		print_separator(f, i, depth + 1);
		print_value(f, json_object_array_get_idx(list, i), depth + 1);
	}
	print_separator(f, 0, depth);
	putc(']', f);
}

/* Only the types that are made above. */
static void
print_value(FILE *f, struct json_object *value, int depth)
{
	if (json_object_is_type(value, json_type_object))
		print_object(f, value, depth);
	else if (json_object_is_type(value, json_type_array))
		print_array(f, value, depth);
	else if (json_object_is_type(value, json_type_string))
		text_print_json(f, json_object_get_string(value));
	else if (json_object_is_type(value, json_type_boolean))
		fputs(json_object_get_boolean(value) ? "true" : "false", f);
	else if (!value)
		fputs("null", f);
	else if (json_object_get_int64(value) < 0)
		fprintf(f, "%" PRId64, json_object_get_int64(value));
	else
		fprintf(f, "%" PRIu64, json_object_get_uint64(value));
}

char *
json_print(struct json_object *o, size_t *length)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (f) {
		print_value(f, o, 0);
		putc('\n', f);
	}
	bool good = f && !ferror(f);
	good &= f && fclose(f) == 0;
	if (!json_complete() || !good) {
		free(text);
		return NULL;
	}
	*length = size;
	return text;
}

bool
json_show(struct json_object *o)
{
	size_t length;
	char *text = json_print(o, &length);

	if (text)
		fwrite(text, 1, length, stdout);
	bool good = text != NULL;
	free(text);
	return good;
}
