/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Datagrams: to an address, to a group, of every size, and freeing in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <net/if.h>
#include <netinet/in.h>
#include <arpa/inet.h>

#include "io/udp.h"

struct fixture {
	struct lun_loop *loop;
	struct lun_alarm *alarm;
	struct udp *sender, *receiver;
	struct address to;		/* the receiver's */
	size_t got, last_len;
	uint8_t last[UDP_DATAGRAM_MAX];
	bool free_receiver;
	int stop_after;
};

static struct fixture f;
static uint8_t data[UDP_DATAGRAM_MAX + 1];

static struct address
address_of(const char *text, uint16_t port)
{
	struct portal p = { .port = port, .tpgt = -1 };
	struct address a;

	strcpy(p.host, text);
	assert_int_equal(resolve_numeric(&a, &p, NULL), 0);
	return a;
}

static void
received(void *user, const struct address *from, const uint8_t *p, size_t len)
{
	f.got++;
	f.last_len = len;
	memcpy(f.last, p, len);
	if (f.free_receiver)
		f.receiver = udp_free(f.receiver);
	if (--f.stop_after == 0)
		lun_loop_stop(f.loop);
}

static void
late(void *user)
{
	lun_loop_stop(f.loop);
}

/* The port is one that nobody uses at the moment. */
static void
setup(const char *host)
{
	struct lun_error err = { 0 };
	struct address any = address_of(host, 1);
	uint16_t port = 0;

	memset(&f, 0, sizeof(f));
	*address_port(&any) = 0;
	assert_int_equal(lun_loop_new(&f.loop, &err), 0);
	assert_int_equal(lun_alarm_new(&f.alarm, f.loop, late, NULL), 0);
	assert_int_equal(udp_new(&f.sender, f.loop, &any, received, NULL, &err),
			 0);
	for (port = 30000; !f.receiver; port++) {
		f.to = address_of(host, port);
		udp_new(&f.receiver, f.loop, &f.to, received, NULL, &err);
	}
}

static void
teardown(void)
{
	lun_alarm_free(f.alarm);
	udp_free(f.sender);
	udp_free(f.receiver);
	assert_null(lun_loop_free(f.loop));
}

static void
run(int datagrams, unsigned ms)
{
	struct lun_error err;

	f.stop_after = datagrams;
	lun_alarm_set(f.alarm, ms);
	assert_int_equal(lun_loop_run(f.loop, &err), 0);
	lun_alarm_set(f.alarm, 1000000);	/* no more */
}

static void
test_sizes(void **state)
{
	static const size_t sizes[] = { 0, 1, 1400, 65507 };

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	for (int v6 = 0; v6 < 2; v6++) {
		setup(v6 ? "::1" : "127.0.0.1");
		for (size_t i = 0; i < 4; i++) {
			size_t len = sizes[i];

			assert_int_equal(udp_send(f.sender, &f.to, 0, data,
						  len), 0);
			run(1, 5000);
			assert_int_equal(f.got, i + 1);
			assert_int_equal(f.last_len, len);
			assert_memory_equal(f.last, data, len);
		}
		assert_int_not_equal(udp_send(f.sender, &f.to, 0, data,
					      65508 + 20), 0);
		teardown();
	}
}

static void
test_group(void **state)
{
	struct lun_error err;
	unsigned lo = if_nametoindex("lo");
	struct address any, group;

	setup("127.0.0.1");
	udp_free(f.receiver);

	uint16_t port = ntohs(*address_port(&f.to));

	any = address_of("0.0.0.0", port);
	group = address_of("239.255.255.253", port);
	assert_int_equal(udp_new(&f.receiver, f.loop, &any, received, NULL,
				 &err), 0);
	udp_set_multicast_ttl(f.sender, 255);

	/* not joined: nothing comes */
	assert_int_equal(udp_send(f.sender, &group, lo, "x", 1), 0);
	run(1, 50);
	assert_int_equal(f.got, 0);

	assert_int_equal(udp_join(f.receiver, &group, lo, &err), 0);
	assert_int_equal(udp_send(f.sender, &group, lo, "x", 1), 0);
	run(1, 5000);
	assert_int_equal(f.got, 1);
	assert_int_equal(udp_join(f.receiver, &any, lo, &err), LUN_ESYS);
	teardown();
}

/* The first of several datagrams ends the socket. */
static void
test_freed_within(void **state)
{
	setup("127.0.0.1");
	for (int i = 0; i < 3; i++)
		udp_send(f.sender, &f.to, 0, "x", 1);
	f.free_receiver = true;
	run(0, 50);
	assert_int_equal(f.got, 1);
	teardown();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_group),
		cmocka_unit_test(test_freed_within),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
