/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An initiator that does anything, in any order, with numbers that are nearly
 * right: whatever it does, the next session works, and nothing is leaked or
 * used after it is gone (sanitizers say so).
 */
#include <stdio.h>

#include "drive.h"

static const char *const keys[] = {
	"MaxConnections=4", "DefaultTime2Wait=0", "DefaultTime2Retain=3",
	"TaskReporting=FastAbort,ResponseFence,RFC3720", "ErrorRecoveryLevel=2",
	NULL,
};

#define TIMES "MaxConnections=4\nDefaultTime2Wait=0\nDefaultTime2Retain=3\n"

enum { SEEDS = 60, STEPS = 300, CIDS = 4, ITTS = 12, SEEN = 8 };

struct chaos {
	struct drive *d;
	uint64_t state;
	struct link *link[CIDS];	/* by CID; NULL: none */
	uint16_t tsih;
	uint32_t ttt[SEEN], stat_sn;	/* seen of late */
	unsigned seen;
	uint8_t data[65536];
};

static uint32_t
draw(struct chaos *x, uint32_t n)
{
	x->state = x->state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(x->state >> 33) % n;
}

/* A small number mostly; sometimes one that is far off. */
static uint32_t
near(struct chaos *x, uint32_t base, uint32_t n)
{
	static const uint32_t odd[] = { 0, 1, 0x7fffffff, 0xfffffffe, TAG_NONE };

	return draw(x, 16) ? base + draw(x, n) : odd[draw(x, 5)];
}

static uint32_t
any_ttt(struct chaos *x)
{
	return draw(x, 4) ? x->ttt[draw(x, SEEN)] : near(x, 0, 40);
}

static void
look(struct chaos *x)
{
	const struct got *g;

	for (unsigned i = 0; i < CIDS; i++) {
		if (!x->link[i])
			continue;
		while ((g = link_take(x->link[i]))) {
			if (g->pdu.target_transfer_tag != TAG_NONE)
				x->ttt[x->seen++ % SEEN] =
					g->pdu.target_transfer_tag;
			if (g->pdu.stat_sn)
				x->stat_sn = g->pdu.stat_sn;
		}
		if (link_is_dead(x->link[i]))
			x->link[i] = NULL;
	}
}

static void
log_in(struct chaos *x, bool anew)
{
	static const char *const reporting[] =
		{ "RFC3720", "ResponseFence", "FastAbort" };
	uint16_t cid = (uint16_t)draw(x, CIDS);
	struct link *l = NULL;
	char text[256];

	snprintf(text, sizeof(text), "MaxRecvDataSegmentLength=%u\n%s%s%s%u",
		 512 << draw(x, 6),
		 anew ? TIMES "InitialR2T=No\nMaxBurstLength=8192\n"
			"FirstBurstLength=4096\nTaskReporting=" : "",
		 anew ? reporting[draw(x, 3)] : "",
		 anew ? "\nErrorRecoveryLevel=" : "X-none=",
		 anew ? draw(x, 3) : 0);
	if (link_try(x->d, &l, cid, anew ? 0 : x->tsih, text,
		     near(x, x->stat_sn, 3)))
		return;
	if (anew)
		memset(x->link, 0, sizeof(x->link));
	x->tsih = link_tsih(l);
	x->link[cid] = l;
	if (draw(x, 2))
		link_hold_acks(l, link_exp_stat_sn(l));
}

static void
write_some(struct chaos *x, struct link *l)
{
	uint32_t blocks = 1 + draw(x, 128);
	size_t len = draw(x, 2) ? 0 : BLOCK;

	link_write(l, draw(x, ITTS), draw(x, 64), blocks, x->data, len,
		   blocks * BLOCK <= len || draw(x, 2));
}

static void
send_data(struct chaos *x, struct link *l)
{
	struct pdu pdu = {
		.opcode = OP_DATA_OUT, .final = draw(x, 2),
		.initiator_task_tag = draw(x, ITTS),
		.target_transfer_tag = draw(x, 3) ? any_ttt(x) : TAG_NONE,
		.data_sn = near(x, 0, 4),
		.buffer_offset = near(x, 0, 16) * BLOCK,
	};

	link_send(l, &pdu, x->data, draw(x, 17) * BLOCK);
}

static void
send_snack(struct chaos *x, struct link *l)
{
	enum snack_type type = (enum snack_type)draw(x, 5);
	uint32_t beg = type == SNACK_STATUS ? near(x, x->stat_sn - 4, 6)
					    : near(x, 0, 8);
	uint32_t itt = draw(x, 4) ? draw(x, ITTS) : TAG_NONE;

	bool all = draw(x, 2);

	link_snack(l, type, itt, any_ttt(x), all ? 0 : beg,
		   all || draw(x, 2) ? 0 : near(x, 0, 4));
}

static void
manage(struct chaos *x, struct link *l)
{
	struct pdu pdu = {
		.opcode = OP_TMF_REQUEST, .final = true,
		.immediate = draw(x, 4), .initiator_task_tag = 100,
		.function = (uint8_t)(1 + draw(x, 9)),
		.referenced_task_tag = draw(x, ITTS),
		.ref_cmd_sn = near(x, drive_cmd_sn(x->d) - 4, 5),
		.exp_data_sn = near(x, 0, 6),
	};

	if (pdu.function != TMF_TARGET_COLD_RESET || !draw(x, 8))
		link_send(l, &pdu, NULL, 0);
}

/* A hole in the numbers, or one that is filled late, or not at all. */
static void
send_early(struct chaos *x, struct link *l)
{
	struct pdu pdu = {
		.opcode = OP_SCSI_COMMAND, .write = true, .final = draw(x, 2),
		.attr = (uint8_t)(1 + draw(x, 3)), .cdb = { 0x2a },
		.initiator_task_tag = draw(x, ITTS),
		.expected_data_transfer_length = 8 * BLOCK,
		.cmd_sn = near(x, drive_cmd_sn(x->d) - 2, 5),
	};

	pdu.cdb[8] = 8;
	link_send(l, &pdu, NULL, 0);
}

static void
redeclare(struct chaos *x, struct link *l)
{
	struct pdu pdu = {
		.opcode = OP_TEXT_REQUEST, .final = true, .immediate = true,
		.initiator_task_tag = 103, .target_transfer_tag = TAG_NONE,
	};
	char text[64];
	int n = snprintf(text, sizeof(text), "MaxRecvDataSegmentLength=%u",
			 512 << draw(x, 6));

	link_send(l, &pdu, text, (size_t)n + 1);
}

static void
act(struct chaos *x, struct link *l)
{
	switch (draw(x, 17)) {
	case 0: case 1:
		link_read(l, draw(x, ITTS), draw(x, 64), 1 + draw(x, 128));
		return;
	case 2: case 3:
		write_some(x, l);
		return;
	case 4: case 5: case 6:
		send_data(x, l);
		return;
	case 7: case 8:
		send_snack(x, l);
		return;
	case 9:
		manage(x, l);
		return;
	case 10:
		send_early(x, l);
		return;
	case 11:
		if (!draw(x, 4))
			link_logout(l, 101, (enum logout_reason)draw(x, 3),
				    (uint16_t)draw(x, CIDS),
				    near(x, x->stat_sn, 3));
		return;
	case 12:
		if (!draw(x, 4))
			link_cut(l);
		return;
	case 13:
		link_tmf(l, 102, TMF_TASK_REASSIGN, draw(x, ITTS),
			 near(x, 0, 6));
		return;
	case 14:
		link_hold_acks(l, near(x, x->stat_sn - 4, 6));
		return;
	case 15:
		if (!draw(x, 8))
			redeclare(x, l);
		return;
	case 16:
		link_stall(l, !draw(x, 3));
		return;
	}
}

static void
step(struct chaos *x)
{
	struct link *l = x->link[draw(x, CIDS)];

	if (l)
		act(x, l);
	else if (!draw(x, 6))
		log_in(x, !draw(x, 8));
	if (!draw(x, 10))
		drive_run(x->d, (1 + draw(x, 20)) * TIME_S / 10);
	look(x);
}

static void
test_whatever_an_initiator_does_the_next_session_works(void **state)
{
	static struct chaos x;

	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		memset(&x, 0, sizeof(x));
		x.state = seed * 7919;
		x.d = drive_new(keys);
		log_in(&x, true);
		for (int i = 0; i < STEPS; i++)
			step(&x);
		struct link *l = link_new(x.d, 0, 0, TIMES
					  "TaskReporting=RFC3720\n"
					  "ErrorRecoveryLevel=2");
		link_read(l, 1, 256, 1);
		link_expect_data(l, 1, 0, 0, BLOCK, 256 * BLOCK);
		drive_free(x.d);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whatever_an_initiator_does_the_next_session_works),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
