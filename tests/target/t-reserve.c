/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PERSISTENT RESERVE IN and OUT (SPC-4 5.13, 6.13, 6.14). A registration
 * belongs to an initiator port, which is the name of the initiator with the
 * ISID (RFC 7143 4.4.3.1), and survives its sessions; with APTPL it survives the
 * target too, as text that the disk's owner keeps.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t-scsi.h"

enum type {				/* SPC-4 6.13.3.4 */
	WRITE_EXCLUSIVE = 1, EXCLUSIVE_ACCESS = 3,
	WRITE_EXCLUSIVE_RO = 5, EXCLUSIVE_ACCESS_RO = 6,	/* registrants */
	WRITE_EXCLUSIVE_AR = 7, EXCLUSIVE_ACCESS_AR = 8, /* all are holders */
};

enum { LIST_LEN = 24, REGISTRANTS_MAX = 128, TRANSPORT_ID_MAX = 4 + 256 };

struct registrant {
	struct list in_lu;
	uint64_t key;
	char name[NAME_LEN];
	uint8_t isid[ISID_LEN];
};

static bool
is_type(unsigned type)
{
	return type == WRITE_EXCLUSIVE || type == EXCLUSIVE_ACCESS ||
	       (type >= WRITE_EXCLUSIVE_RO && type <= EXCLUSIVE_ACCESS_AR);
}

static bool
all_hold(const struct tlu *lu)
{
	return lu->reserve.type == WRITE_EXCLUSIVE_AR ||
	       lu->reserve.type == EXCLUSIVE_ACCESS_AR;
}

static struct registrant *
find(const struct tlu *lu, const struct session *s)
{
	struct registrant *g;

	list_for_each(g, &lu->reserve.registrants, struct registrant, in_lu)
		if (strcmp(g->name, s->initiator) == 0 &&
		    memcmp(g->isid, s->isid, ISID_LEN) == 0)
			return g;
	return NULL;
}

static bool
holds(const struct tlu *lu, const struct registrant *g)
{
	return lu->reserve.type && (all_hold(lu) || lu->reserve.holder == g);
}

static void
conflict(struct task *k)
{
	k->failed = true;
	k->status = SCSI_RESERVATION_CONFLICT;
}

bool
reserve_permits(struct task *k, bool changes)
{
	const struct tlu *lu = k->lu;
	const struct registrant *mine;
	unsigned type = lu->reserve.type;

	if (!type)
		return true;
	mine = find(lu, k->session);
	if (mine && (type >= WRITE_EXCLUSIVE_RO || holds(lu, mine)))
		return true;
	if (!changes && (type == WRITE_EXCLUSIVE ||
			 type == WRITE_EXCLUSIVE_RO ||
			 type == WRITE_EXCLUSIVE_AR))
		return true;
	conflict(k);
	return false;
}

/* ---------------------------------------------------------- persistence -- */

/* A line for each registrant: key, type if it holds, ISID, name. */
static int
save(const struct tlu *lu)
{
	const struct disk_config *config = disk_config(lu->disk);
	char *text = NULL;
	size_t len = 0;
	struct registrant *g;
	FILE *out;
	int r;

	if (!config->ops || !config->ops->save)
		return 0;
	out = open_memstream(&text, &len);
	if (!out)
		return -1;
	list_for_each(g, &lu->reserve.registrants, struct registrant, in_lu)
		if (lu->reserve.persists)
			fprintf(out, "%016llx %u %02x%02x%02x%02x%02x%02x %s\n",
				(unsigned long long)g->key,
				holds(lu, g) ? lu->reserve.type : 0,
				g->isid[0], g->isid[1], g->isid[2], g->isid[3],
				g->isid[4], g->isid[5], g->name);
	r = fclose(out) == 0 ? config->ops->save(config->user, text, len) : -1;
	free(text);
	return r;
}

static struct registrant *
add(struct tlu *lu, const char *name, const uint8_t *isid, uint64_t key)
{
	struct registrant *g;
	unsigned n = 0;

	list_for_each(g, &lu->reserve.registrants, struct registrant, in_lu)
		n++;
	g = n < REGISTRANTS_MAX ? calloc(1, sizeof(*g)) : NULL;
	if (!g)
		return NULL;
	snprintf(g->name, sizeof(g->name), "%s", name);
	memcpy(g->isid, isid, ISID_LEN);
	g->key = key;
	list_append(&lu->reserve.registrants, &g->in_lu);
	return g;
}

static void
load_line(struct tlu *lu, const char *line)
{
	unsigned long long key;
	unsigned type, id[ISID_LEN];
	char name[NAME_LEN];
	uint8_t isid[ISID_LEN];
	struct registrant *g;

	if (sscanf(line, "%llx %u %2x%2x%2x%2x%2x%2x %223[^\n]", &key, &type,
		   &id[0], &id[1], &id[2], &id[3], &id[4], &id[5], name) != 9)
		return;
	for (int i = 0; i < ISID_LEN; i++)
		isid[i] = (uint8_t)id[i];
	g = add(lu, name, isid, key);
	if (g && is_type(type)) {
		lu->reserve.type = (uint8_t)type;
		lu->reserve.holder = g;
	}
}

void
reserve_init(struct tlu *lu)
{
	const char *text = disk_config(lu->disk)->saved;

	list_init(&lu->reserve.registrants);
	lu->reserve.persists = text && *text;
	while (text && *text) {
		load_line(lu, text);
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
}

void
reserve_deinit(struct tlu *lu)
{
	struct registrant *g;

	list_for_each(g, &lu->reserve.registrants, struct registrant, in_lu)
		free(g);
}

/* ----------------------------------------------------------- attentions -- */

/* The sessions of a registrant are told. */
static void
tell(const struct tlu *lu, const struct registrant *g, uint16_t asc)
{
	struct session *s;

	list_for_each(s, &lu->node->target->sessions, struct session, in_target)
		if (s->node == lu->node && find(lu, s) == g)
			nexus_add_ua(s, lu, asc);
}

static void
tell_others(const struct tlu *lu, const struct registrant *mine, uint16_t asc)
{
	struct registrant *g;

	list_for_each(g, &lu->reserve.registrants, struct registrant, in_lu)
		if (g != mine)
			tell(lu, g, asc);
}

static void
release(struct tlu *lu, const struct registrant *mine)
{
	if (lu->reserve.type >= WRITE_EXCLUSIVE_RO)
		tell_others(lu, mine, ASC_RESERVATION_RELEASED);
	lu->reserve.type = 0;
	lu->reserve.holder = NULL;
}

static void
unregister(struct tlu *lu, struct registrant *g)
{
	struct list *all = &lu->reserve.registrants;
	bool last = all->next == all->prev;

	if (holds(lu, g) && (!all_hold(lu) || last))
		release(lu, g);
	if (lu->reserve.holder == g)		/* all hold: another one does */
		lu->reserve.holder = NULL;
	list_del(&g->in_lu);
	free(g);
}

/* -------------------------------------------------------------- actions -- */

static void
act_register(struct task *k, struct registrant *mine, bool ignore)
{
	struct tlu *lu = k->lu;
	uint64_t key = get64(k->buf), new = get64(k->buf + 8);
	bool persists = k->buf[20] & 1;

	if (!ignore && key != (mine ? mine->key : 0)) {
		conflict(k);
		return;
	}
	if (persists && (!disk_config(lu->disk)->ops ||
			 !disk_config(lu->disk)->ops->save)) {
		scsi_fail(k, ILLEGAL, ASC_INVALID_PARAMETER);
		return;
	}
	if (new && mine) {
		mine->key = new;
	} else if (new) {
		if (!add(lu, k->session->initiator, k->session->isid, new)) {
			scsi_fail(k, ILLEGAL, ASC_NO_REGISTRATIONS);
			return;
		}
	} else if (mine) {
		unregister(lu, mine);
	}
	lu->reserve.persists = persists;
	lu->reserve.generation++;
}

static void
act_reserve(struct task *k, struct registrant *mine)
{
	struct tlu *lu = k->lu;
	uint8_t type = k->cmd.cdb[2] & 0x0f;

	if (lu->reserve.type &&
	    (!holds(lu, mine) || lu->reserve.type != type)) {
		conflict(k);
		return;
	}
	lu->reserve.type = type;
	lu->reserve.holder = mine;
}

static void
act_release(struct task *k, struct registrant *mine)
{
	struct tlu *lu = k->lu;

	if (!holds(lu, mine))
		return;
	if ((k->cmd.cdb[2] & 0x0f) != lu->reserve.type)
		scsi_fail(k, ILLEGAL, ASC_INVALID_RELEASE);
	else
		release(lu, mine);
}

static void
act_clear(struct task *k, struct registrant *mine)
{
	struct tlu *lu = k->lu;
	struct registrant *g;

	tell_others(lu, mine, ASC_RESERVATIONS_PREEMPTED);
	lu->reserve.type = 0;
	lu->reserve.holder = NULL;
	list_for_each(g, &lu->reserve.registrants, struct registrant, in_lu)
		unregister(lu, g);
	lu->reserve.generation++;
}

static void
end_tasks_of(const struct task *k, const struct registrant *g)
{
	struct tlu *lu = k->lu;
	struct task *o;

	list_for_each(o, &lu->tasks, struct task, in_lu)
		if (o != k && find(lu, o->session) == g)
			task_end(o);
}

/* SPC-4 5.13.11.4: those with this key lose their registration, and if one of
 * them held the reservation it is ours. */
static void
act_preempt(struct task *k, struct registrant *mine, bool and_abort)
{
	struct tlu *lu = k->lu;
	uint64_t key = get64(k->buf + 8);
	uint8_t type = k->cmd.cdb[2] & 0x0f;
	struct registrant *g, *holder = lu->reserve.holder;
	bool all = all_hold(lu);
	bool take = lu->reserve.type && (all ? key == 0 : holder->key == key);
	bool any = take;

	if (key == 0 && !all) {
		scsi_fail(k, ILLEGAL, ASC_INVALID_PARAMETER);
		return;
	}
	if (take && !is_type(type)) {
		scsi_fail(k, ILLEGAL, ASC_INVALID_CDB);
		return;
	}
	if (take) {
		lu->reserve.type = type;
		lu->reserve.holder = mine;
	}
	list_for_each(g, &lu->reserve.registrants, struct registrant, in_lu) {
		if (g == mine || (key && g->key != key))
			continue;
		any = true;
		tell(lu, g, ASC_REGISTRATIONS_PREEMPTED);
		if (and_abort)
			end_tasks_of(k, g);
		unregister(lu, g);
	}
	if (any)
		lu->reserve.generation++;
	else
		conflict(k);
}

enum action {
	REGISTER, RESERVE, RELEASE, CLEAR, PREEMPT, PREEMPT_AND_ABORT,
	REGISTER_AND_IGNORE,
};

void
start_reserve_out(struct task *k)
{
	const uint8_t *cdb = k->cmd.cdb;
	unsigned action = cdb[1] & 0x1f;

	if (action > REGISTER_AND_IGNORE ||
	    (action == RESERVE && (cdb[2] >> 4 || !is_type(cdb[2] & 0x0f)))) {
		scsi_fail(k, ILLEGAL, ASC_INVALID_CDB);
		return;
	}
	if (get32(cdb + 5) != LIST_LEN) {
		scsi_fail(k, ILLEGAL, ASC_PARAMETER_LENGTH);
		return;
	}
	k->is_write = true;
	k->wanted = LIST_LEN;
}

void
execute_reserve_out(struct task *k)
{
	enum action action = k->cmd.cdb[1] & 0x1f;
	struct registrant *mine = find(k->lu, k->session);
	bool registers = action == REGISTER || action == REGISTER_AND_IGNORE;

	if (k->out_len < LIST_LEN) {
		scsi_fail(k, ILLEGAL, ASC_PARAMETER_LENGTH);
		return;
	}
	if (k->buf[20] & 0x08) {		/* SPEC_I_PT */
		scsi_fail(k, ILLEGAL, ASC_INVALID_PARAMETER);
		return;
	}
	if (!registers && (!mine || mine->key != get64(k->buf))) {
		conflict(k);
		return;
	}
	switch (action) {
	case REGISTER:
	case REGISTER_AND_IGNORE:
		act_register(k, mine, action == REGISTER_AND_IGNORE);
		break;
	case RESERVE:
		act_reserve(k, mine);
		break;
	case RELEASE:
		act_release(k, mine);
		break;
	case CLEAR:
		act_clear(k, mine);
		break;
	case PREEMPT:
	case PREEMPT_AND_ABORT:
		act_preempt(k, mine, action == PREEMPT_AND_ABORT);
		break;
	}
	if (!k->failed && save(k->lu) < 0)
		scsi_fail(k, ILLEGAL, ASC_NO_REGISTRATIONS);
}

/* ------------------------------------------------------------------- in -- */

static uint32_t
read_keys(const struct tlu *lu, uint8_t *p)
{
	struct registrant *g;
	uint32_t len = 0;

	list_for_each(g, &lu->reserve.registrants, struct registrant, in_lu) {
		put64(p + 8 + len, g->key);
		len += 8;
	}
	put32(p + 4, len);
	return 8 + len;
}

static uint32_t
read_reservation(const struct tlu *lu, uint8_t *p)
{
	if (!lu->reserve.type)
		return 8;
	put32(p + 4, 16);
	if (!all_hold(lu))
		put64(p + 8, lu->reserve.holder->key);
	p[8 + 13] = lu->reserve.type;
	return 24;
}

static uint32_t
report_capabilities(const struct tlu *lu, uint8_t *p)
{
	const struct disk_ops *ops = disk_config(lu->disk)->ops;

	put16(p, 8);
	p[2] = ops && ops->save;		/* PTPL_C */
	p[3] = 0x80 | lu->reserve.persists;	/* TMV, PTPL_A */
	put16(p + 4, 0xea01);			/* all six types */
	return 8;
}

/* SPC-4 7.6.4.6: the name of the initiator port */
static uint32_t
put_transport_id(uint8_t *p, const struct registrant *g)
{
	int n = snprintf((char *)p + 4, TRANSPORT_ID_MAX - 4,
			 "%s,i,0x%02x%02x%02x%02x%02x%02x", g->name,
			 g->isid[0], g->isid[1], g->isid[2], g->isid[3],
			 g->isid[4], g->isid[5]);
	uint32_t len = ((uint32_t)n + 1 + 3) & ~3u;

	p[0] = 0x45;				/* iSCSI, initiator port */
	len = len < 20 ? 20 : len;
	put16(p + 2, (uint16_t)len);
	return 4 + len;
}

static uint32_t
read_full_status(const struct tlu *lu, uint8_t *p)
{
	struct registrant *g;
	uint32_t at = 8;

	list_for_each(g, &lu->reserve.registrants, struct registrant, in_lu) {
		uint8_t *d = p + at;
		uint32_t len = put_transport_id(d + 24, g);

		put64(d, g->key);
		d[12] = holds(lu, g);
		d[13] = holds(lu, g) ? lu->reserve.type : 0;
		put16(d + 18, 1);		/* our only target port */
		put32(d + 20, len);
		at += 24 + len;
	}
	put32(p + 4, at - 8);
	return at;
}

void
start_reserve_in(struct task *k)
{
	static uint32_t (*const actions[])(const struct tlu *lu, uint8_t *p) = {
		read_keys, read_reservation, report_capabilities,
		read_full_status,
	};
	const size_t size = 8 + REGISTRANTS_MAX * (24 + TRANSPORT_ID_MAX);
	unsigned action = k->cmd.cdb[1] & 0x1f;
	uint32_t len;

	if (action >= sizeof(actions) / sizeof(*actions)) {
		scsi_fail(k, ILLEGAL, ASC_INVALID_CDB);
		return;
	}
	if (task_reserve(k, size) < 0) {
		scsi_fail(k, ABORTED, ASC_RESOURCES);
		return;
	}
	memset(k->buf, 0, size);
	put32(k->buf, k->lu->reserve.generation);
	len = actions[action](k->lu, k->buf);
	scsi_give(k, len, get16(k->cmd.cdb + 7));
}
