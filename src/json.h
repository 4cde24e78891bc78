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

/* .lunfs/status.json */
struct json_object *json_status(const struct survey *sv);

/* A string, or null if text is NULL or "". */
struct json_object *json_text(const char *text);

/* The array of {"address", "port", "tpgt"}. */
struct json_object *json_portals(const struct target *t);

/* The text, with a newline at the end; to be freed. NULL: out of memory. */
char *json_print(struct json_object *o, size_t *length);

#endif
