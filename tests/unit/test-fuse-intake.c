/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who reads /dev/fuse, which is a pipe here: each byte of it is a message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "fuse/intake.h"
#include "fuse/ops.h"
#include "log.h"

/* ------------------------------------------ what else the intake asks for -- */

static int device[2];

int
fuse_session_fd(struct fuse_session *se)
{
	return device[0];
}

int
fuse_session_receive_buf(struct fuse_session *se, struct fuse_buf *buf)
{
	ssize_t n = read(device[0], buf->mem, 1);

	buf->size = 1;
	return n < 0 ? -errno : (int)n;
}

void
fuse_session_process_buf(struct fuse_session *se, const struct fuse_buf *buf)
{
}

bool
flush_is_interrupted(const struct flush_part *part)
{
	return false;
}

const char *
file_request_text(const struct request *r, char text[REQUEST_TEXT_MAX])
{
	return "";
}

struct lun_signs
lun_disk_signs(const struct lun_disk *d)
{
	return (struct lun_signs){ 0 };
}

void
lun_io_cancel(struct lun_disk *d, struct lun_io *io)
{
}

void
log_say(enum lun_log_level level, const char *fmt, ...)
{
}

/* -------------------------------------------------------------- the world -- */

/* One intake; of another one it is known whether it is up, and if it stands
 * aside, it comes when it is called. */
struct world {
	struct lun_loop *loop;
	struct lun_alarm *end;
	struct intake in;
	bool lost, others;
	unsigned calls;
};

static void
nothing(struct intake *in)
{
}

static bool
lost(struct intake *in)
{
	const struct world *w = in->user;

	return w->lost;
}

static bool
others(struct intake *in)
{
	const struct world *w = in->user;

	return w->others;
}

static void
call(struct intake *in)
{
	struct world *w = in->user;

	w->calls++;
}

static void
on_end(void *user)
{
	struct world *w = user;

	lun_loop_stop(w->loop);
}

static void
world_init(struct world *w)
{
	static const struct intake_ops ops = {
		.gone = nothing, .answered = nothing, .lost = lost,
		.others = others, .call = call,
	};
	struct lun_error err;

	*w = (struct world){ .in = { .ops = &ops, .user = w } };
	assert_int_equal(pipe2(device, O_NONBLOCK | O_CLOEXEC), 0);
	assert_int_equal(lun_loop_new(&w->loop, &err), 0);
	assert_int_equal(lun_alarm_new(&w->end, w->loop, on_end, w), 0);
	w->in.loop = w->loop;
	assert_int_equal(intake_init(&w->in, &err), 0);
	assert_int_equal(intake_start(&w->in, &err), 0);
}

static void
world_deinit(struct world *w)
{
	intake_stop(&w->in);
	intake_deinit(&w->in);
	lun_alarm_free(w->end);
	lun_loop_free(w->loop);
	close(device[0]);
	close(device[1]);
}

static void
run(struct world *w, unsigned ms)
{
	struct lun_error err;

	lun_alarm_set(w->end, ms);
	assert_int_equal(lun_loop_run(w->loop, &err), 0);
}

static void
message(void)
{
	assert_int_equal(write(device[1], "m", 1), 1);
}

static size_t
unread(void)
{
	char buf[16];
	ssize_t n = read(device[0], buf, sizeof(buf));

	return n > 0 ? (size_t)n : 0;
}

/* ------------------------------------------------------------------ tests -- */

/* It takes one, and then leaves the others to the other. */
static void
test_a_lost_one_rests(void **state)
{
	struct world w;

	world_init(&w);
	w.lost = w.others = true;
	message();
	run(&w, 50);
	assert_int_equal(intake_received(&w.in), 1);
	message();
	run(&w, 250);
	assert_int_equal(intake_received(&w.in), 1);

	w.lost = false;			/* it looks */
	run(&w, 250);
	assert_int_equal(intake_received(&w.in), 2);
	assert_int_equal(unread(), 0);
	world_deinit(&w);
}

/* The other one may stand aside a moment after it was called, when it had not yet
 * seen that it is needed: nobody would read. */
static void
test_one_that_rests_calls_again(void **state)
{
	struct world w;

	world_init(&w);
	w.lost = w.others = true;
	message();
	run(&w, 50);
	assert_in_range(w.calls, 1, UINT32_MAX);

	unsigned before = w.calls;

	run(&w, 250);
	assert_in_range(w.calls, before + 1, UINT32_MAX);
	world_deinit(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_lost_one_rests),
		cmocka_unit_test(test_one_that_rests_calls_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
