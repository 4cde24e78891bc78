/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules from text: one table of kinds, one of the words that select PDUs. */
#include "fault-rule.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "fault-words.h"
#include "wire/pdu.h"

/* "5", "+5", "-5" */
static bool
value_signed(struct fault_rule *r, const char *s)
{
	r->sign = *s == '+' ? 1 : *s == '-' ? -1 : 0;
	return value_number(s + (r->sign != 0), UINT64_MAX, &r->value);
}

static bool
parse_time(struct fault_rule *r, char *s)
{
	return value_time(s, &r->time);
}

static bool
parse_count(struct fault_rule *r, char *s)
{
	uint64_t n;

	if (!value_number(s, UINT32_MAX, &n))
		return false;
	r->number[0] = (uint32_t)n;
	return true;
}

static bool
parse_tag(struct fault_rule *r, char *s)
{
	return parse_count(r, s) && r->number[0] <= UINT16_MAX;
}

static bool
parse_copies(struct fault_rule *r, char *s)
{
	return parse_count(r, s) && r->number[0] > 0 && r->number[0] <= 100;
}

static bool
parse_part(struct fault_rule *r, char *s)
{
	return find_word(word_parts, s, &r->number[0]);
}

/* FIELD:VALUE */
static bool
parse_field(struct fault_rule *r, char *s)
{
	char *colon = strchr(s, ':');

	if (!colon)
		return false;
	*colon = 0;
	return find_word(word_field_names, s, &r->number[0]) &&
	       value_signed(r, colon + 1);
}

/* OFFSET:VALUE */
static bool
parse_byte(struct fault_rule *r, char *s)
{
	const char *p = s;
	uint64_t at;

	if (!take_number(&p, ":", BHS_LEN - 1, &at) || !p[0] || p[-1] != ':')
		return false;
	r->number[0] = (uint32_t)at;
	return value_number(p, 255, &r->value);
}

static bool
parse_length(struct fault_rule *r, char *s)
{
	return value_signed(r, s) && r->value <= DATA_SEGMENT_MAX;
}

/* KEY/ASC/ASCQ, hexadecimal as everybody writes them */
static bool
parse_sense(struct fault_rule *r, char *s)
{
	static const unsigned long max[3] = { 15, 255, 255 };

	for (int i = 0; i < 3; i++) {
		char *end;
		unsigned long v = strtoul(s, &end, 16);

		if (end == s || *end != (i < 2 ? '/' : 0) || v > max[i])
			return false;
		r->number[1 + i] = (uint32_t)v;
		s = end + 1;
	}
	return true;
}

/* EVENT[:P1[:P2[:P3]]], or scsi[:KEY/ASC/ASCQ] */
static bool
parse_event(struct fault_rule *r, char *s)
{
	char *colon = strchr(s, ':');
	const char *p = colon ? colon + 1 : "";

	if (colon)
		*colon = 0;
	if (!value_word(s, word_events, 255, &r->number[0]))
		return false;
	if (r->number[0] == ASYNC_SCSI) {
		char changed[] = "6/2a/09";	/* capacity data has changed */

		return parse_sense(r, colon ? colon + 1 : changed);
	}
	for (int i = 1; i <= 3 && *p; i++) {
		uint64_t v;

		if (!take_number(&p, ":", UINT16_MAX, &v))
			return false;
		r->number[i] = (uint32_t)v;
	}
	return *p == 0;
}

static bool
parse_reason(struct fault_rule *r, char *s)
{
	return value_word(s, word_reasons, 255, &r->number[0]);
}

static bool
parse_status(struct fault_rule *r, char *s)
{
	return value_word(s, word_statuses, 255, &r->number[0]);
}

/* CLASS/DETAIL of RFC 7143 11.13.5 */
static bool
parse_refusal(struct fault_rule *r, char *s)
{
	const char *p = s;
	uint64_t class, detail;

	if (!take_number(&p, "/", 255, &class) ||
	    !value_number(p, 255, &detail) || class == 0)
		return false;
	r->number[0] = (uint32_t)class;
	r->number[1] = (uint32_t)detail;
	return true;
}

static bool
parse_text(struct fault_rule *r, char *s)
{
	size_t len = strlen(s);

	if (len == 0 || len >= sizeof(r->text))
		return false;
	memcpy(r->text, s, len + 1);
	return true;
}

/* ---------------------------------------------------------------- kinds -- */

static const struct kind {
	const char *name, *value;	/* value: [...] may be left out */
	unsigned points;		/* any of these, unless it is said */
	bool (*parse)(struct fault_rule *r, char *value);
	const char *what;
} kinds[FAULT_KINDS] = {
	[FAULT_DROP] = { "drop", "", FAULT_IN | FAULT_OUT, NULL,
		"it gets lost" },
	[FAULT_DELAY] = { "delay", "TIME", FAULT_IN | FAULT_OUT, parse_time,
		"it comes later, others overtake it" },
	[FAULT_STALL] = { "stall", "[=TIME]", FAULT_IN | FAULT_OUT, parse_time,
		"it comes later or never, and nothing overtakes it" },
	[FAULT_REORDER] = { "reorder", "[=N]", FAULT_IN | FAULT_OUT,
		parse_copies,
		"it comes after the next N of its session, on any connection, "
		"or after 1 s" },
	[FAULT_DUPLICATE] = { "duplicate", "[=N]", FAULT_IN | FAULT_OUT,
		parse_copies, "N more of it follow" },
	[FAULT_CORRUPT] = { "corrupt", "PART", FAULT_IN | FAULT_OUT, parse_part,
		"a bit is wrong in its header, header-digest, data or "
		"data-digest" },
	[FAULT_SET] = { "set", "FIELD:VALUE", FAULT_IN | FAULT_OUT, parse_field,
		"a field lies; +N and -N are added to the truth" },
	[FAULT_BYTE] = { "byte", "N:VALUE", FAULT_OUT, parse_byte,
		"byte N of the header lies; its digest is right" },
	[FAULT_LENGTH] = { "length", "N", FAULT_OUT, parse_length,
		"DataSegmentLength lies (+N, -N); the digest is right" },
	[FAULT_CUT] = { "cut", "[=N]", FAULT_IN | FAULT_OUT, parse_count,
		"the connection ends, N bytes into it" },
	[FAULT_WINDOW] = { "window", "N", FAULT_OUT, parse_count,
		"no more than N commands are invited, but for those that were"
	},
	[FAULT_ASYNC] = { "async", "EVENT[:P1:P2:P3]", FAULT_IN | FAULT_OUT,
		parse_event,
		"an Async Message follows, with its parameters, or "
		"scsi:KEY/ASC/ASCQ" },
	[FAULT_REJECT] = { "reject", "REASON", FAULT_IN, parse_reason,
		"it is rejected" },
	[FAULT_STATUS] = { "status", "STATUS", FAULT_TASK, parse_status,
		"the command does nothing and ends with this status" },
	[FAULT_SENSE] = { "sense", "KEY/ASC/ASCQ", FAULT_TASK, parse_sense,
		"the command does nothing and ends with this sense" },
	[FAULT_HOLD] = { "hold", "[=TIME]", FAULT_TASK, parse_time,
		"the command has its data, and executes later or never" },
	[FAULT_ZOMBIE] = { "zombie", "TIME", FAULT_TASK, parse_time,
		"hold, but it writes even if it was ended meanwhile: no "
		"initiator can defend itself against that" },
	[FAULT_REFUSE] = { "refuse", "CLASS/DETAIL", FAULT_LOGIN, parse_refusal,
		"the login fails with this status" },
	[FAULT_REDIRECT] = { "redirect", "ADDR:PORT", FAULT_LOGIN, parse_text,
		"the login is sent somewhere else" },
	[FAULT_TPGT] = { "tpgt", "N", FAULT_LOGIN, parse_tag,
		"the login is answered by another portal group" },
};

const char *
fault_name(enum fault_kind kind)
{
	return kinds[kind].name;
}

void
fault_help(enum fault_kind kind, const char **name, const char **value,
	   const char **what)
{
	*name = kinds[kind].name;
	*value = kinds[kind].value;
	*what = kinds[kind].what;
}

/* The first word. */
static int
parse_kind(struct fault_rule *r, char *word, struct lun_error *err)
{
	char *value = strchr(word, '=');
	const struct kind *k = NULL;

	if (value)
		*value++ = 0;
	for (int i = 0; i < FAULT_KINDS && !k; i++)
		if (strcmp(kinds[i].name, word) == 0)
			k = &kinds[i];
	if (!k)
		return lun_fail(err, LUN_EINVAL, "fault %s: no such kind: see "
				"--help", r->line);
	r->kind = (enum fault_kind)(k - kinds);
	r->points = k->points;
	r->time = TIME_NEVER;
	r->number[0] = r->kind == FAULT_CUT ? 0 : 1;
	if (!value && (*k->value == 0 || *k->value == '['))
		return 0;
	if (!value || !k->parse || !k->parse(r, value))
		return lun_fail(err, LUN_EINVAL, "fault %s: not %s%s%s: see "
				"--help", r->line, word,
				*k->value && *k->value != '[' ? "=" : "",
				k->value);
	return 0;
}

/* ---------------------------------------------------------------- words -- */

static bool
word_on(struct fault_rule *r, char *value)
{
	char *save, *s = strtok_r(value, "|", &save);

	if (!s)
		return false;
	for (; s; s = strtok_r(NULL, "|", &save)) {
		uint32_t op;

		if (!value_word(s, word_opcodes, 0x3f, &op))
			return false;
		r->opcodes |= UINT64_C(1) << op;
	}
	return true;
}

static bool
word_lun(struct fault_rule *r, char *value)
{
	uint64_t n;

	r->has_lun = value_number(value, 16383, &n);
	r->lun = (unsigned)(r->has_lun ? n : 0);
	return r->has_lun;
}

static bool
word_cid(struct fault_rule *r, char *value)
{
	uint64_t n;

	r->has_cid = value_number(value, UINT16_MAX, &n);
	r->cid = (uint16_t)(r->has_cid ? n : 0);
	return r->has_cid;
}

static bool
word_portal(struct fault_rule *r, char *value)
{
	if (strlen(value) >= sizeof(r->portal))
		return false;
	strcpy(r->portal, value);
	return *value != 0;
}

static bool
word_from(struct fault_rule *r, char *value)
{
	return value_time(value, &r->from);
}

static bool
word_to(struct fault_rule *r, char *value)
{
	return value_time(value, &r->to);
}

static bool
word_skip(struct fault_rule *r, char *value)
{
	return value_number(value, UINT32_MAX, &r->skip);
}

static bool
word_nth(struct fault_rule *r, char *value)
{
	return value_number(value, UINT32_MAX, &r->nth) && r->nth > 0;
}

static bool
word_every(struct fault_rule *r, char *value)
{
	return value_number(value, UINT32_MAX, &r->every) && r->every > 0;
}

static bool
word_times(struct fault_rule *r, char *value)
{
	return value_number(value, UINT32_MAX, &r->times) && r->times > 0;
}

/* "5%", "0.01%" */
static bool
word_chance(struct fault_rule *r, char *value)
{
	char *end;
	double percent = strtod(value, &end);

	if (end == value || strcmp(end, "%") != 0 ||
	    !(percent >= 0 && percent <= 100))
		return false;
	r->chance = (uint32_t)(percent * (CHANCE_ALWAYS / 100.0) + 0.5);
	return true;
}

static const struct {
	const char *name, *value;
	bool (*parse)(struct fault_rule *r, char *value);
} selectors[] = {
	{ "on", "PDU|PDU...", word_on }, { "lun", "N", word_lun },
	{ "cid", "N", word_cid }, { "portal", "ADDR:PORT", word_portal },
	{ "from", "TIME", word_from }, { "to", "TIME", word_to },
	{ "skip", "N", word_skip }, { "nth", "N", word_nth },
	{ "every", "N", word_every }, { "times", "N", word_times },
	{ "chance", "P%", word_chance },
};

static bool
set_flag(struct fault_rule *r, const char *word)
{
	if (strcmp(word, "in") == 0)
		r->points &= ~(unsigned)FAULT_OUT;
	else if (strcmp(word, "out") == 0)
		r->points &= ~(unsigned)FAULT_IN;
	else if (strcmp(word, "read") == 0)
		r->read = true;
	else if (strcmp(word, "write") == 0)
		r->write = true;
	else if (strcmp(word, "status") == 0)
		r->status = true;
	else if (strcmp(word, "each") == 0)
		r->each = true;
	else if (strcmp(word, "once") == 0)
		r->times = 1;
	else
		return false;
	return true;
}

static int
parse_word(struct fault_rule *r, char *word, struct lun_error *err)
{
	char *value = strchr(word, '=');

	if (value)
		*value++ = 0;
	else if (set_flag(r, word))
		return 0;
	for (unsigned i = 0; i < sizeof(selectors) / sizeof(*selectors); i++) {
		if (strcmp(selectors[i].name, word) != 0)
			continue;
		if (value && selectors[i].parse(r, value))
			return 0;
		return lun_fail(err, LUN_EINVAL, "fault %s: not %s=%s: see "
				"--help", r->line, word, selectors[i].value);
	}
	return lun_fail(err, LUN_EINVAL, "fault %s: %s%s: no such word: see "
			"--help", r->line, word, value ? "=" : "");
}

/* Where it is looked at follows from the PDUs too. */
static int
settle(struct fault_rule *r, struct lun_error *err)
{
	const uint64_t from_target = UINT64_C(0xffffffff) << 32;

	if (r->opcodes && !(r->opcodes & from_target))
		r->points &= ~(unsigned)FAULT_OUT;
	if (r->opcodes && !(r->opcodes & ~from_target))
		r->points &= ~(unsigned)FAULT_IN;
	if (r->kind == FAULT_CORRUPT && r->number[0] != PART_DATA)
		r->points &= ~(unsigned)FAULT_IN;
	if (r->points == 0)
		return lun_fail(err, LUN_EINVAL,
				"fault %s: not for PDUs of this direction",
				r->line);
	return 0;
}

int
fault_rule_parse(struct fault_rule *out, const char *text,
		 struct lun_error *err)
{
	struct fault_rule r = {
		.to = TIME_NEVER,
		.times = UINT64_MAX,
		.chance = CHANCE_ALWAYS,
	};
	char line[FAULT_LINE_MAX], *save, *word;
	size_t len;
	int ret;

	text += strspn(text, " \t");
	len = strcspn(text, "#\n");
	while (len > 0 && strchr(" \t", text[len - 1]))
		len--;
	if (len >= sizeof(line))
		return lun_fail(err, LUN_EINVAL, "fault: a line of %zu bytes",
				len);
	memcpy(line, text, len);
	line[len] = 0;
	memcpy(r.line, line, len + 1);
	word = strtok_r(line, ", \t", &save);
	if (!word)
		return 1;
	ret = parse_kind(&r, word, err);
	while (ret == 0 && (word = strtok_r(NULL, ", \t", &save)))
		ret = parse_word(&r, word, err);
	if (ret == 0)
		ret = settle(&r, err);
	if (ret == 0)
		*out = r;
	return ret;
}
