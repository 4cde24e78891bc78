/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a connection is given up: what has not arrived yet never does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/tcp.h"

enum { OURS, PEER };

static void
connect_pair(int fd[2])
{
	struct sockaddr_in sa = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(sa);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&sa, &len), 0);
	fd[OURS] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd[OURS], (struct sockaddr *)&sa, len), 0);
	fd[PEER] = accept(listener, NULL, NULL);
	assert_true(fd[PEER] >= 0);
	close(listener);
}

/* Until the socket has no room. */
static size_t
fill(int fd)
{
	static const uint8_t bytes[65536];
	size_t sum = 0;
	ssize_t n;

	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	while ((n = send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL)) > 0)
		sum += (size_t)n;
	assert_int_equal(errno, EAGAIN);
	return sum;
}

/* All that comes; *e: 0, or how it ends. */
static size_t
drain(int fd, int *e)
{
	static uint8_t bytes[65536];
	size_t sum = 0;
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0)
		sum += (size_t)n;
	*e = n < 0 ? errno : 0;
	close(fd);
	return sum;
}

/* A peer that reads again later would take it for commands. */
static void
test_what_waits_is_dropped(void **state)
{
	int fd[2], e;
	size_t sent;

	connect_pair(fd);
	sent = fill(fd[OURS]);
	tcp_close(fd[OURS]);
	assert_true(drain(fd[PEER], &e) < sent);
	assert_int_equal(e, ECONNRESET);
}

static void
test_an_orderly_end(void **state)
{
	int fd[2], e;
	char c;

	connect_pair(fd);
	assert_int_equal(send(fd[OURS], "abc", 3, MSG_NOSIGNAL), 3);
	assert_int_equal(recv(fd[PEER], &c, 1, 0), 1);
	assert_int_equal(send(fd[PEER], "!", 1, MSG_NOSIGNAL), 1);
	assert_int_equal(recv(fd[OURS], &c, 1, 0), 1);	/* with the ACK */
	tcp_close(fd[OURS]);
	assert_int_equal(drain(fd[PEER], &e), 2);
	assert_int_equal(e, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_waits_is_dropped),
		cmocka_unit_test(test_an_orderly_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
