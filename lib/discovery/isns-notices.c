/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the server tells and asks of its own accord: SCNs and ESIs. */
#include <inttypes.h>

#include "base/error.h"
#include "discovery/isns-impl.h"

enum { ANSWERED_MAX = 16 << 10 };	/* of an ESI, which is sent back */

/* RFC 4171 5.6.5.8: each bitmap begins a group. What it says is a hint to look
 * again (2.2.3); which change it was does not matter for that. */
static int
read_scn(struct isns *c, const struct isns_message *m, bool *ours,
	 struct lun_error *err)
{
	struct str name = STR_INIT(4 * NAME_INPUT_MAX);
	char us[NAME_MAX_LEN + 1] = "";
	struct isns_attr a;
	uint32_t bitmap = 0;
	bool destination = true;
	size_t pos = 0;
	int r;

	while ((r = isns_attr_next(m, &pos, &a, err)) == ISNS_ATTR) {
		if (a.tag == ISNS_SCN_BITMAP)
			bitmap = a.number;
		if (a.tag != ISNS_NAME)
			continue;
		if (destination) {
			isns_take_text(us, sizeof(us), &a);
			destination = false;
			continue;
		}
		str_quote(&name, a.value, isns_text_len(&a));
		env_log(c->config.env, LUN_LOG_DEBUG, "iSNS: change 0x%02"
			PRIx32 " of %s", bitmap, str_text(&name));
		str_deinit(&name);
	}
	*ours = iscsi_name_equal(us, c->source);
	return r;
}

static int
answer_scn(struct isns *c, const struct isns_message *m, struct str *out,
	   lun_time now, struct lun_error *err)
{
	bool ours = false;
	int r = read_scn(c, m, &ours, err);

	if (r < 0)
		return r;

	size_t at = isns_begin(out, ISNS_SCN | ISNS_RESPONSE, m->transaction);

	isns_put32(out, ours ? ISNS_OK : ISNS_NO_SUCH_ENTRY);
	if (ours)
		isns_add_text(out, ISNS_NAME, c->source);
	isns_end(out, at);
	if (ours && c->config.watch)
		isns_look_again(c, now);
	return 0;
}

/* RFC 4171 5.7.5.13: what it says goes back as it is. */
static int
answer_esi(struct isns *c, const struct isns_message *m, struct str *out,
	   struct lun_error *err)
{
	struct isns_attr a;
	size_t pos = 0;
	int r;

	while ((r = isns_attr_next(m, &pos, &a, err)) == ISNS_ATTR)
		;
	if (r < 0)
		return r;

	size_t at = isns_begin(out, ISNS_ESI | ISNS_RESPONSE, m->transaction);

	isns_put32(out, ISNS_OK);
	str_add_bytes(out, m->payload, m->len);
	isns_end(out, at);
	c->esi_came = true;
	return 0;
}

int
isns_answer(struct isns *c, const struct isns_message *m, struct str *out,
	    lun_time now, struct lun_error *err)
{
	char buf[16];

	if (m->len > ANSWERED_MAX)
		return lun_fail(err, LUN_EPROTO, "%s of %zu bytes",
				isns_function_name(m->function, buf), m->len);
	if (m->function == ISNS_SCN)
		return answer_scn(c, m, out, now, err);
	if (m->function == ISNS_ESI)
		return answer_esi(c, m, out, err);
	return lun_fail(err, LUN_EPROTO, "%s from a server",
			isns_function_name(m->function, buf));
}
