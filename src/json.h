/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The JSON that programs rely on: more may be added, nothing is ever renamed.
 * Text of peers is made UTF-8.
 */
#ifndef JSON_H
#define JSON_H

#include <json-c/json_object.h>
#include <json-c/linkhash.h>

#include "survey.h"

struct json_object *json_lun(const struct target *t, const struct lun_disk *d);
struct json_object *json_session(const struct target *t);

/* The array of those that are up, or are tried again: each is the session of
 * this number with its target, from 1. */
struct json_object *json_sessions(const struct survey *sv, unsigned number);

/* .lunfs/status.json; takes over the sessions, of which so many are wanted with
 * each target. */
struct json_object *json_status(const struct survey *sv,
				struct json_object *sessions, unsigned wanted);

/* A string, or null if text is NULL or "". */
struct json_object *json_text(const char *text);

/* The array of {"address", "port", "tpgt"}. */
struct json_object *json_portals(const struct target *t);

/*
 * To make more of it. They may be used without regard to memory: NULL may be
 * put, and put into. A value that is put is taken over. json_complete() says
 * if all is there that was made since it was asked the last time; so does
 * json_print().
 */
struct json_object *json_new_object(void);
struct json_object *json_new_array(void);
void json_put(struct json_object *o, const char *name,
	      struct json_object *value);
void json_append(struct json_object *list, struct json_object *value);
bool json_complete(void);

/* The text of a value that is not null. */
const char *json_string(struct json_object *value);

/* A value of an object that came from here: "" or 0 if it is null. */
const char *json_text_of(struct json_object *o, const char *name);
uint64_t json_number_of(struct json_object *o, const char *name);

/* The text, with a newline at the end; to be freed. NULL: out of memory. */
char *json_print(struct json_object *o, size_t *length);

/* The same on stdout. False: out of memory. */
bool json_show(struct json_object *o);

#endif
