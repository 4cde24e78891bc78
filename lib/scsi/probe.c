/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The steps, in order. The identity comes first, so that a unit that is not
 * ready has its names. A step that is not needed is left out; the answer to
 * one that is not required may be an error of the unit.
 */
#include "scsi/probe.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "scsi/cdb.h"

enum {
	BLOCK_SIZE_MIN		= 512,
	INQUIRY_SIZE		= 255,	/* SPC-2 has one byte for it */
	MODE_SIZE		= 192,
	CAPACITY_10_LEN		= 8,
	CAPACITY_16_LEN		= 32,
	CAPACITY_16_LEN_MIN	= 12,	/* SBC-2 ends there */
};

/* What a step's take says besides 0 (go on) and LUN_EPROTO (malformed). */
enum { PROBE_STOP = 1, PROBE_AGAIN = 2 };

static const struct type {
	uint8_t type;			/* enum peripheral_type */
	bool read_only;
} types[] = {
	{ TYPE_DISK,		false },
	{ TYPE_CD,		true },
	{ TYPE_OPTICAL,		false },
	{ TYPE_SIMPLE_DISK,	false },
};

__attribute__((format(printf, 3, 4))) static int
stop(struct probe *p, enum lun_disk_state state, const char *fmt, ...)
{
	va_list ap;

	p->geometry.state = state;
	va_start(ap, fmt);
	vsnprintf(p->geometry.text, sizeof(p->geometry.text), fmt, ap);
	va_end(ap);
	return PROBE_STOP;
}

/* ------------------------------------------------ identity: INQUIRY ---- */

static void
build_inquiry(struct probe *p, struct command *c)
{
	cdb_inquiry(c, (uint16_t)p->size);
}

static int
take_inquiry(struct probe *p, const uint8_t *data, size_t len)
{
	struct geometry *g = &p->geometry;

	if (!inquiry_parse(&g->inquiry, data, len))
		return LUN_EPROTO;
	if (g->inquiry.qualifier == 3 || g->inquiry.type == TYPE_UNKNOWN)
		return stop(p, LUN_DISK_GONE, "no logical unit is there");
	if (g->inquiry.qualifier != 0)
		return stop(p, LUN_DISK_NOT_READY,
			    "the logical unit is not connected (qualifier %u)",
			    g->inquiry.qualifier);
	return 0;
}

/* The whole page did not fit, and a larger buffer would take more of it. */
static bool
page_is_cut(const struct probe *p, const uint8_t *data, size_t len)
{
	return vpd_full_len(data, len) > p->size && p->size < PROBE_BUFFER_LEN;
}

static void
build_pages(struct probe *p, struct command *c)
{
	cdb_vpd(c, VPD_SUPPORTED, (uint16_t)p->size);
}

static int
take_pages(struct probe *p, const uint8_t *data, size_t len)
{
	if (page_is_cut(p, data, len))
		return PROBE_AGAIN;
	return vpd_parse_supported(&p->pages, data, len) ? 0 : LUN_EPROTO;
}

static bool
has_serial(const struct probe *p)
{
	return vpd_has(&p->pages, VPD_SERIAL);
}

static void
build_serial(struct probe *p, struct command *c)
{
	cdb_vpd(c, VPD_SERIAL, (uint16_t)p->size);
}

static int
take_serial(struct probe *p, const uint8_t *data, size_t len)
{
	if (page_is_cut(p, data, len))
		return PROBE_AGAIN;
	return vpd_parse_serial(p->geometry.serial, data, len) ? 0 : LUN_EPROTO;
}

static bool
has_identification(const struct probe *p)
{
	return vpd_has(&p->pages, VPD_IDENTIFICATION);
}

static void
build_identification(struct probe *p, struct command *c)
{
	cdb_vpd(c, VPD_IDENTIFICATION, (uint16_t)p->size);
}

static int
take_identification(struct probe *p, const uint8_t *data, size_t len)
{
	if (page_is_cut(p, data, len))
		return PROBE_AGAIN;
	return vpd_parse_identification(&p->geometry.designators, data, len);
}

/* ------------------------------------------------------ is it usable? -- */

/* Also the place where what is no disk ends: its names are known by now. */
static void
build_ready(struct probe *p, struct command *c)
{
	cdb_test_unit_ready(c);
}

static int
take_ready(struct probe *p, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (types[i].type == p->geometry.inquiry.type) {
			p->geometry.write_protected = types[i].read_only;
			return 0;
		}
	return stop(p, LUN_DISK_UNSUPPORTED, "not a disk: device type 0x%02x",
		    p->geometry.inquiry.type);
}

/* ----------------------------------------------------------- capacity -- */

static int
take_capacity(struct probe *p, uint64_t last, uint32_t block_size)
{
	struct geometry *g = &p->geometry;

	if (block_size < BLOCK_SIZE_MIN || block_size > BLOCK_SIZE_MAX)
		return stop(p, LUN_DISK_UNSUPPORTED,
			    "blocks of %" PRIu32 " bytes are not supported",
			    block_size);
	if (last >= (uint64_t)INT64_MAX / block_size)
		return stop(p, LUN_DISK_UNSUPPORTED,
			    "%" PRIu64 " + 1 blocks of %" PRIu32
			    " bytes: too large", last, block_size);
	g->blocks = last + 1;
	g->block_size = block_size;
	g->physical_block_size = block_size;
	return 0;
}

static void
build_capacity_10(struct probe *p, struct command *c)
{
	cdb_read_capacity_10(c);
}

static int
take_capacity_10(struct probe *p, const uint8_t *data, size_t len)
{
	if (len < CAPACITY_10_LEN)
		return LUN_EPROTO;
	p->capacity_10_full = get32(data) == UINT32_MAX;	/* SBC-3 5.15 */
	return take_capacity(p, get32(data), get32(data + 4));
}

/* It alone knows of thin units and physical blocks; disks before SPC-3 do not
 * have it. */
static bool
wants_capacity_16(const struct probe *p)
{
	return p->capacity_10_full ||
	       (p->geometry.inquiry.version >= VERSION_SPC_3 &&
		p->geometry.inquiry.type == TYPE_DISK);
}

static void
build_capacity_16(struct probe *p, struct command *c)
{
	cdb_read_capacity_16(c, CAPACITY_16_LEN);
}

static int
take_capacity_16(struct probe *p, const uint8_t *data, size_t len)
{
	enum { EXPONENT = 0x0f, LBPME = 0x80 };
	struct geometry *g = &p->geometry;

	if (len < CAPACITY_16_LEN_MIN)
		return LUN_EPROTO;

	int r = take_capacity(p, get64(data), get32(data + 8));

	if (r != 0)
		return r;
	p->capacity_10_full = false;
	if (len > 14) {
		uint64_t physical = (uint64_t)g->block_size
				    << (data[13] & EXPONENT);

		if (physical <= INT32_MAX)
			g->physical_block_size = (uint32_t)physical;
		g->thin = data[14] & LBPME;
	}
	return 0;
}

/* The step after: the 32 bits of the first answer were not enough. */
static bool
capacity_is_unknown(const struct probe *p)
{
	return p->capacity_10_full;
}

static int
take_unknown_capacity(struct probe *p, const uint8_t *data, size_t len)
{
	return stop(p, LUN_DISK_UNSUPPORTED,
		    "more than 2^32 - 1 blocks, but no READ CAPACITY(16)");
}

/* ------------------------------------------------- limits, properties -- */

static bool
has_block_limits(const struct probe *p)
{
	return vpd_has(&p->pages, VPD_BLOCK_LIMITS);
}

static void
build_block_limits(struct probe *p, struct command *c)
{
	cdb_vpd(c, VPD_BLOCK_LIMITS, (uint16_t)p->size);
}

static int
take_block_limits(struct probe *p, const uint8_t *data, size_t len)
{
	return vpd_parse_block_limits(&p->geometry.limits, data, len) ?
	       0 : LUN_EPROTO;
}

static bool
has_characteristics(const struct probe *p)
{
	return vpd_has(&p->pages, VPD_CHARACTERISTICS);
}

static void
build_characteristics(struct probe *p, struct command *c)
{
	cdb_vpd(c, VPD_CHARACTERISTICS, (uint16_t)p->size);
}

static int
take_characteristics(struct probe *p, const uint8_t *data, size_t len)
{
	return vpd_parse_characteristics(&p->geometry.rotation_rate, data,
					 len) ? 0 : LUN_EPROTO;
}

static bool
has_provisioning(const struct probe *p)
{
	return vpd_has(&p->pages, VPD_PROVISIONING);
}

static void
build_provisioning(struct probe *p, struct command *c)
{
	cdb_vpd(c, VPD_PROVISIONING, (uint16_t)p->size);
}

static int
take_provisioning(struct probe *p, const uint8_t *data, size_t len)
{
	bool thin;

	if (!vpd_parse_provisioning(&thin, data, len))
		return LUN_EPROTO;
	p->geometry.thin |= thin;
	return 0;
}

/* ---------------------------------------------------------- MODE SENSE -- */

/* The pages after the header and block descriptors (SPC-4 7.5). */
static void
take_mode_pages(struct geometry *g, const uint8_t *data, size_t len)
{
	enum { CODE = 0x3f, SUBPAGE_FORMAT = 0x40, WCE = 0x04 };

	for (size_t at = 0; at + 3 <= len;) {
		const uint8_t *page = data + at;

		if (page[0] & SUBPAGE_FORMAT) {
			if (len - at < 4)
				break;
			at += 4 + (size_t)get16(page + 2);
			continue;
		}
		if ((page[0] & CODE) == MODE_PAGE_CACHING) {
			g->cache_known = true;
			g->write_cache = page[2] & WCE;
		}
		at += 2 + (size_t)page[1];
	}
}

static int
take_mode(struct probe *p, const uint8_t *data, size_t len, size_t header,
	  uint8_t device, size_t descriptors)
{
	enum { WP = 0x80, DPOFUA = 0x10 };

	if (device & WP)
		p->geometry.write_protected = true;
	p->geometry.dpo_fua = device & DPOFUA;
	p->mode_done = true;
	if (descriptors <= len - header)
		take_mode_pages(&p->geometry, data + header + descriptors,
				len - header - descriptors);
	return 0;
}

/* Of a CD the bits of the header mean other things (MMC). */
static bool
wants_mode(const struct probe *p)
{
	return !p->mode_done && p->geometry.inquiry.type != TYPE_CD;
}

static void
build_mode_6(struct probe *p, struct command *c)
{
	cdb_mode_sense_6(c, MODE_PAGE_CACHING, (uint8_t)p->size);
}

static void
build_mode_6_all(struct probe *p, struct command *c)
{
	cdb_mode_sense_6(c, MODE_PAGE_ALL, (uint8_t)p->size);
}

static int
take_mode_6(struct probe *p, const uint8_t *data, size_t len)
{
	enum { HEADER_LEN = 4 };

	if (len < HEADER_LEN)
		return LUN_EPROTO;
	if (len > 1 + (size_t)data[0])
		len = 1 + (size_t)data[0];
	if (len < HEADER_LEN)
		return LUN_EPROTO;
	return take_mode(p, data, len, HEADER_LEN, data[2], data[3]);
}

static void
build_mode_10(struct probe *p, struct command *c)
{
	cdb_mode_sense_10(c, MODE_PAGE_CACHING, (uint16_t)p->size);
}

static int
take_mode_10(struct probe *p, const uint8_t *data, size_t len)
{
	enum { HEADER_LEN = 8 };

	if (len < HEADER_LEN)
		return LUN_EPROTO;
	if (len > 2 + (size_t)get16(data))
		len = 2 + (size_t)get16(data);
	if (len < HEADER_LEN)
		return LUN_EPROTO;
	return take_mode(p, data, len, HEADER_LEN, data[3], get16(data + 6));
}

/* --------------------------------------------------------------- steps -- */

static const struct step {
	bool (*wanted)(const struct probe *p);	/* NULL: always */
	void (*build)(struct probe *p, struct command *c); /* NULL: no command */
	int (*take)(struct probe *p, const uint8_t *data, size_t len);
	uint16_t size;				/* of the buffer */
	bool required;
} steps[] = {
	{ NULL, build_inquiry, take_inquiry, INQUIRY_SIZE, true },
	{ NULL, build_pages, take_pages, INQUIRY_SIZE, false },
	{ has_serial, build_serial, take_serial, INQUIRY_SIZE, false },
	{ has_identification, build_identification, take_identification,
	  INQUIRY_SIZE, false },
	{ NULL, build_ready, take_ready, 0, true },
	{ NULL, build_capacity_10, take_capacity_10, CAPACITY_10_LEN, true },
	{ wants_capacity_16, build_capacity_16, take_capacity_16,
	  CAPACITY_16_LEN, false },
	{ capacity_is_unknown, NULL, take_unknown_capacity, 0, true },
	{ has_block_limits, build_block_limits, take_block_limits,
	  INQUIRY_SIZE, false },
	{ has_characteristics, build_characteristics, take_characteristics,
	  INQUIRY_SIZE, false },
	{ has_provisioning, build_provisioning, take_provisioning,
	  INQUIRY_SIZE, false },
	{ wants_mode, build_mode_6, take_mode_6, MODE_SIZE, false },
	{ wants_mode, build_mode_10, take_mode_10, MODE_SIZE, false },
	{ wants_mode, build_mode_6_all, take_mode_6, MODE_SIZE, false },
};

enum { STEPS = sizeof(steps) / sizeof(*steps) };

/* text: NULL leaves what is there. */
static void
probe_end(struct probe *p, int code, const char *text)
{
	p->code = code;
	if (text)
		snprintf(p->text, sizeof(p->text), "%s", text);
	p->effects = p->query.effects;
	p->done(p);
}

static void
send_step(struct probe *p)
{
	struct command *c = &p->query.command;

	memset(p->buffer, 0, sizeof(p->buffer));
	c->in = p->size > 0 ? p->buffer : NULL;
	c->in_len = (uint32_t)p->size;
	steps[p->step].build(p, c);
	query_start(&p->query);
}

/* Goes to the first step from p->step on that has something to send. */
static void
next_step(struct probe *p)
{
	for (; p->step < STEPS; p->step++) {
		const struct step *s = &steps[p->step];

		if (s->wanted && !s->wanted(p))
			continue;
		if (!s->build) {
			s->take(p, NULL, 0);
			break;
		}
		p->size = s->size;
		send_step(p);
		return;
	}
	if (p->step == STEPS)
		p->geometry.state = LUN_DISK_READY;
	probe_end(p, 0, NULL);
}

static void
note_incomplete(struct probe *p, const char *text)
{
	p->incomplete = true;
	snprintf(p->text, sizeof(p->text), "%s", text);
}

/* The unit, or nobody, says no. */
static void
step_failed(struct probe *p)
{
	const struct outcome *o = &p->query.outcome;
	char text[OUTCOME_TEXT_MAX];

	outcome_text(text, &p->query.command);
	if (p->query.command.result < 0) {
		probe_end(p, o->code, text);
		return;
	}
	if (!steps[p->step].required) {
		if (!o->has_sense || o->sense.key != KEY_ILLEGAL_REQUEST)
			note_incomplete(p, text);
		p->step++;
		next_step(p);
		return;
	}
	if (o->has_sense && o->sense.asc == ASC(0x25, 0x00))
		stop(p, LUN_DISK_GONE, "%s", text);
	else
		stop(p, LUN_DISK_NOT_READY, "%s", text);
	probe_end(p, 0, NULL);
}

static void
query_done(struct query *q)
{
	struct probe *p = q->user;
	const struct step *s = &steps[p->step];

	if (p->cancelled) {
		probe_end(p, LUN_ECANCELED, "cancelled");
		return;
	}
	if (q->outcome.action != ACTION_DONE) {
		step_failed(p);
		return;
	}

	int r = s->take(p, p->buffer, q->outcome.moved);

	if (r == PROBE_AGAIN) {
		p->size = PROBE_BUFFER_LEN;
		send_step(p);
		return;
	}
	if (r == LUN_ENOMEM) {
		probe_end(p, r, "out of memory");
		return;
	}
	if (r < 0) {
		char text[OUTCOME_TEXT_MAX];

		snprintf(text, sizeof(text), "%s: malformed answer of %" PRIu32
			 " bytes", cdb_name(q->command.cdb), q->outcome.moved);
		note_incomplete(p, text);
		if (s->required)
			r = stop(p, LUN_DISK_UNSUPPORTED, "%s", text);
	}
	if (r == PROBE_STOP) {
		probe_end(p, 0, NULL);
		return;
	}
	p->step++;
	next_step(p);
}

int
probe_init(struct probe *p, struct unit *unit, lun_time patience,
	   void (*done)(struct probe *p), void *user)
{
	*p = (struct probe){ .done = done, .user = user };
	return query_init(&p->query, unit, patience, query_done, p);
}

void
probe_deinit(struct probe *p)
{
	query_deinit(&p->query);
	geometry_deinit(&p->geometry);
}

void
probe_start(struct probe *p)
{
	geometry_deinit(&p->geometry);
	p->geometry = (struct geometry){ 0 };
	p->pages = (struct vpd_pages){ 0 };
	p->step = 0;
	p->capacity_10_full = p->mode_done = false;
	p->incomplete = p->cancelled = false;
	p->text[0] = '\0';
	p->query.effects = 0;
	next_step(p);
}

void
probe_cancel(struct probe *p)
{
	p->cancelled = true;
	query_cancel(&p->query);
}

bool
probe_running(const struct probe *p)
{
	return p->query.running;
}
