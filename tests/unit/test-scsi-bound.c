/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long a request waits while the nexus is lost: from its first loss on, or
 * what is left of the outage in the middle of which it came; whatever becomes of
 * others. And what it is told when that is over.
 */
#include "scsi-world.h"

#define OVER	"--outage wait:10 is over"

static char log_lines[4096];

static void
log_line(void *user, enum lun_log_level level, const char *line)
{
	size_t n = strlen(log_lines);

	snprintf(log_lines + n, sizeof(log_lines) - n, "%s\n", line);
}

static void
world_with(struct world *w, lun_time outage)
{
	world_init(w, 1);
	w->options.outage = outage;
	w->fake.env.log = log_line;
	w->fake.env.log_level = LUN_LOG_INFO;
	log_lines[0] = '\0';
	world_start(w, false);
}

static void
expect_over(const struct req *q)
{
	assert_int_equal(q->done, 1);
	assert_int_equal(q->io.code, LUN_ELOST);
	assert_non_null(strstr(q->text, OVER));
}

static bool
lose_reads(struct fake *f, struct command *c)
{
	if (c->cdb[0] != READ_10)
		return false;
	c->result = LUN_ELOST;
	return true;
}

static bool
lose_reads_slowly(struct fake *f, struct command *c)
{
	if (c->cdb[0] == READ_10)
		f->timers.now += TIME_S;
	return lose_reads(f, c);
}

/* -------------------------------------------------------- one's own time -- */

/* The unit is found each time, and the request lost each time: it waits as long
 * as for one outage, not for ever. */
static void
test_a_request_of_many_outages(void **state)
{
	struct world w;
	struct req q;
	char buffer[BS];

	world_with(&w, 10 * TIME_S);
	w.fake.answer = lose_reads_slowly;
	lun_time since = w.fake.timers.now;
	submit(&w, &q, LUN_READ, 0, buffer, BS);
	for (int i = 0; i < 1000 && !q.done; i++)
		fake_advance(&w.fake);
	expect_over(&q);
	assert_in_range(w.fake.timers.now - since, 10 * TIME_S, 12 * TIME_S);
	w.fake.answer = NULL;
	disk_probe(w.disk);
	pass(&w, TIME_S);
	assert_int_equal(run(&w, LUN_READ, 0, buffer, BS), 0);
	world_deinit(&w);
}

/* Four seconds of a nexus that is lost, and half of one in which it is there. */
static void
lose_for_a_while(struct world *w)
{
	lose_nexus(w, "lost");
	pass(w, 4 * TIME_S);
	disk_probe(w->disk);
	pass(w, TIME_S / 2);
	lose_nexus(w, "lost");
}

/*
 * It is lost twice; whether another one was answered between does not matter to
 * it. It does to one that comes in the second outage: if nobody was answered
 * that is still the first one.
 */
static void
test_an_answer_to_another_one(void **state)
{
	for (int answered = 0; answered < 2; answered++) {
		struct world w;
		struct req first, q, late;
		char buffer[BS];

		world_with(&w, 10 * TIME_S);
		w.fake.answer = lose_reads;
		lose_nexus(&w, "lost");
		if (answered)
			submit(&w, &first, LUN_FLUSH, 0, NULL, 0);
		submit(&w, &q, LUN_READ, 0, buffer, BS);
		lose_for_a_while(&w);
		if (answered)
			assert_int_equal(first.done, 1);
		submit(&w, &late, LUN_READ, 0, buffer, BS);
		pass(&w, 5 * TIME_S);
		assert_int_equal(q.done, 0);
		pass(&w, TIME_S);
		expect_over(&q);
		assert_int_equal(late.done, !answered);
		pass(&w, 5 * TIME_S);
		expect_over(&late);
		w.fake.answer = NULL;
		world_deinit(&w);
	}
}

/*
 * Sessions that live for a moment, in which others are answered, but not this
 * one: neither does it wait longer, nor do the others wait shorter.
 */
static void
test_sessions_that_live_for_a_moment(void **state)
{
	struct world w;
	struct req q, others[20];
	char buffer[BS];
	int i;

	world_with(&w, 10 * TIME_S);
	w.fake.answer = lose_reads;
	lun_time since = w.fake.timers.now;
	submit(&w, &q, LUN_READ, 0, buffer, BS);
	for (i = 0; i < 20 && !q.done; i++) {
		lose_nexus(&w, "lost");
		submit(&w, &others[i], LUN_FLUSH, 0, NULL, 0);
		pass(&w, 3 * TIME_S);
		disk_probe(w.disk);
		pass(&w, TIME_S / 2);
		assert_int_equal(others[i].done, 1);
		assert_int_equal(others[i].io.code, 0);
	}
	expect_over(&q);
	assert_in_range(w.fake.timers.now - since, 10 * TIME_S, 11 * TIME_S);
	assert_null(strstr(log_lines, "requests fail from now on"));
	w.fake.answer = NULL;
	world_deinit(&w);
}

static bool
hold_reads(struct fake *f, struct command *c)
{
	if (c->cdb[0] != READ_10)
		return false;
	return fake_sense(c, KEY_NOT_READY, ASC(0x04, 0x01));
}

/* In the first outage it was lost, in the second one its command waits for a
 * unit that is busy. */
static void
test_a_busy_unit_is_lost(void **state)
{
	struct world w;
	struct req first, q;
	char buffer[BS];

	world_with(&w, 10 * TIME_S);
	w.fake.answer = hold_reads;
	lose_nexus(&w, "lost");
	submit(&w, &q, LUN_READ, 0, buffer, BS);
	submit(&w, &first, LUN_FLUSH, 0, NULL, 0);
	lose_for_a_while(&w);
	assert_int_equal(first.done, 1);
	pass(&w, 5 * TIME_S);
	assert_int_equal(q.done, 0);
	pass(&w, TIME_S);
	expect_over(&q);
	w.fake.answer = NULL;
	world_deinit(&w);
}

/* One that comes in the middle waits for what is left; one that comes when it is
 * over, not at all; and then the next outage is a new one. */
static void
test_who_comes_in_the_middle(void **state)
{
	struct world w;
	struct req q;
	char buffer[BS];

	world_with(&w, 10 * TIME_S);
	for (int i = 0; i < 2; i++) {
		lose_nexus(&w, "the link is down");
		pass(&w, 7 * TIME_S);
		submit(&w, &q, LUN_READ, 0, buffer, BS);
		pass(&w, 3 * TIME_S - TIME_MS);
		assert_int_equal(q.done, 0);
		assert_string_equal(disk_info(w.disk)->state_name, "waiting");
		pass(&w, 2 * TIME_MS);
		expect_over(&q);
		assert_non_null(strstr(log_lines, "LUN 0: requests fail from now on: "
				       OVER ": the link is down\n"));
		log_lines[0] = '\0';
		assert_string_equal(disk_info(w.disk)->state_name, "lost");
		assert_string_equal(disk_info(w.disk)->text,
				    OVER ": the link is down");
		submit(&w, &q, LUN_READ, 0, buffer, BS);
		pass(&w, TIME_MS);
		expect_over(&q);
		assert_string_equal(q.text, OVER ": the link is down");
		disk_probe(w.disk);
		pass(&w, TIME_S);
	}
	world_deinit(&w);
}

static lun_time waits_since;

static bool
note_since(struct fake *f, struct command *c)
{
	if (c->cdb[0] == READ_10)
		waits_since = c->waits_since;
	return false;
}

/* Those below who can bound it should know. */
static void
test_a_command_says_since_when_it_waits(void **state)
{
	struct world w;
	struct req q;
	char buffer[BS];

	world_with(&w, 10 * TIME_S);
	w.fake.answer = note_since;
	assert_int_equal(run(&w, LUN_READ, 0, buffer, BS), 0);
	assert_int_equal(waits_since, 0);
	lun_time since = w.fake.timers.now;
	lose_nexus(&w, "lost");
	pass(&w, TIME_S);
	submit(&w, &q, LUN_READ, 0, buffer, BS);
	pass(&w, TIME_S);
	disk_probe(w.disk);
	pass(&w, TIME_S);
	assert_int_equal(q.io.code, 0);
	assert_int_equal(waits_since, since);
	assert_int_equal(run(&w, LUN_READ, 0, buffer, BS), 0);
	assert_int_equal(waits_since, 0);
	world_deinit(&w);
}

/* ------------------------------------------------------- those in between -- */

/* It was cut off for four seconds, and then given up. */
static bool
lose_late(struct fake *f, struct command *c)
{
	lun_time lost_at = f->timers.now;

	if (!lose_some(f, c))
		return false;
	f->timers.now += 4 * TIME_S;
	c->lost_at = lost_at;
	return true;
}

/* The time in which its connection was to be recovered is of the outage, too. */
static void
test_an_outage_begins_when_a_command_is_cut_off(void **state)
{
	for (lun_time outage = 3 * TIME_S; outage < 6 * TIME_S; outage += TIME_S) {
		struct world w;
		struct req q;
		char buffer[BS];

		world_with(&w, outage);
		w.fake.to_lose = 1;
		w.fake.answer = lose_late;
		submit(&w, &q, LUN_READ, 0, buffer, BS);
		pass(&w, 6 * TIME_S);
		assert_int_equal(q.done, 1);
		assert_int_equal(q.io.code, outage <= 4 * TIME_S ? LUN_ELOST : 0);
		world_deinit(&w);
	}
}

/* It fails as the others do, also if it waits for one that ends later. */
static void
test_a_blocked_write_does_not_outwait_an_outage(void **state)
{
	for (lun_time outage = 0; outage < 2; outage++) {
		struct world w;
		struct req q[2];
		char buffer[BS] = "x";

		world_with(&w, 10 * outage * TIME_S);
		for (int i = 0; i < 2; i++)
			submit(&w, &q[i], LUN_WRITE, 1, buffer, BS / 2);
		w.fake.to_lose = UINT32_MAX;
		w.fake.answer = lose_some;
		lose_nexus(&w, "lost");
		if (outage) {
			pass(&w, 9 * TIME_S);
			assert_int_equal(q[0].done + q[1].done, 0);
			pass(&w, TIME_S);
		}
		pass(&w, TIME_S / 2);
		for (int i = 0; i < 2; i++) {
			assert_int_equal(q[i].done, 1);
			assert_int_equal(q[i].io.code, LUN_ELOST);
		}
		assert_non_null(strstr(q[0].text, outage ? OVER :
				       "--outage fail"));
		disk_close(w.disk);
		pass(&w, 10 * TIME_S);
		world_deinit(&w);
	}
}

/* The old block comes, though late; the new one is lost each time. */
static bool
read_late_lose_writes(struct fake *f, struct command *c)
{
	if (c->cdb[0] == READ_10) {
		c->lost_at = f->timers.now;
		f->timers.now += 6 * TIME_S;
	} else if (c->cdb[0] == WRITE_10) {
		f->timers.now += TIME_S;
		c->result = LUN_ELOST;
	}
	return c->cdb[0] == WRITE_10;
}

/* A command of it lost its connection: that it was answered after all, when that
 * was recovered, gives the next one no more time. */
static void
test_an_answer_to_a_part_of_it(void **state)
{
	struct world w;
	struct req q;
	char buffer[BS] = "x";

	world_with(&w, 10 * TIME_S);
	w.fake.answer = read_late_lose_writes;
	lun_time since = w.fake.timers.now;
	submit(&w, &q, LUN_WRITE, 1, buffer, BS / 2);
	for (int i = 0; i < 1000 && !q.done; i++)
		fake_advance(&w.fake);
	expect_over(&q);
	assert_in_range(w.fake.timers.now - since, 10 * TIME_S, 12 * TIME_S);
	w.fake.answer = NULL;
	world_deinit(&w);
}

static lun_time cut_off_at;

enum { MANY = 100 };

/* The first one that is under way loses its connection. */
static bool
cut_off_once(struct fake *f, struct command *c)
{
	if (c->cdb[0] == READ_10 && cut_off_at == 0)
		c->lost_at = cut_off_at = f->timers.now;
	return c->cdb[0] == READ_10 && get32(c->cdb + 2) == MANY - 1 &&
	       note_since(f, c);
}

/* So do those that are sent when it has lost a connection, whether the command
 * that was there is answered by then or not; and it is the first loss. */
static void
test_the_later_commands_of_a_request_say_so(void **state)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct world w;
		char buffer[MANY * BS];

		world_init(&w, seed);
		w.options.outage = 10 * TIME_S;
		w.fake.max_transfer = 1;
		world_start(&w, false);
		w.fake.answer = cut_off_once;
		cut_off_at = waits_since = 0;
		assert_int_equal(run(&w, LUN_READ, 0, buffer, sizeof(buffer)), 0);
		assert_int_not_equal(cut_off_at, 0);
		assert_int_equal(waits_since, cut_off_at);
		assert_int_equal(run(&w, LUN_READ, (MANY - 1) * BS, buffer, BS),
				 0);
		assert_int_equal(waits_since, 0);
		world_deinit(&w);
	}
}

/* The first one that is read comes late, and later ones not at all. */
static bool
cut_off_once_then_lose_reads(struct fake *f, struct command *c)
{
	if (c->cdb[0] != READ_10 || cut_off_at != 0)
		return lose_reads_slowly(f, c);
	c->lost_at = cut_off_at = f->timers.now;
	f->timers.now += 6 * TIME_S;
	return false;
}

/* It met what the one met that it waited for, from its own start on; though that
 * was answered after all. */
static void
test_a_blocked_write_counts_what_its_blocker_has_met(void **state)
{
	for (int later = 0; later < 2; later++) {
		struct world w;
		struct req q[2];
		char buffer[BS] = "x";

		world_with(&w, 10 * TIME_S);
		w.fake.answer = cut_off_once_then_lose_reads;
		cut_off_at = 0;
		lun_time since = w.fake.timers.now;
		submit(&w, &q[0], LUN_WRITE, 1, buffer, BS / 2);
		while (later && w.fake.timers.now < since + 6 * TIME_S)
			fake_advance(&w.fake);
		assert_int_equal(q[0].done, 0);
		since = w.fake.timers.now;
		submit(&w, &q[1], LUN_WRITE, 1, buffer, BS / 2);
		for (int i = 0; i < 1000 && !q[1].done; i++)
			fake_advance(&w.fake);
		assert_int_equal(q[0].done, 1);
		assert_int_equal(q[0].io.code, 0);
		expect_over(&q[1]);
		assert_in_range(w.fake.timers.now - since, 10 * TIME_S,
				12 * TIME_S);
		w.fake.answer = NULL;
		world_deinit(&w);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_request_of_many_outages),
		cmocka_unit_test(test_an_answer_to_another_one),
		cmocka_unit_test(test_sessions_that_live_for_a_moment),
		cmocka_unit_test(test_a_busy_unit_is_lost),
		cmocka_unit_test(test_who_comes_in_the_middle),
		cmocka_unit_test(test_a_command_says_since_when_it_waits),
		cmocka_unit_test(test_an_answer_to_a_part_of_it),
		cmocka_unit_test(test_a_blocked_write_counts_what_its_blocker_has_met),
		cmocka_unit_test(test_the_later_commands_of_a_request_say_so),
		cmocka_unit_test(test_an_outage_begins_when_a_command_is_cut_off),
		cmocka_unit_test(test_a_blocked_write_does_not_outwait_an_outage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
