/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The exchange with DHCP servers in virtual time: how often and when it asks,
 * which answer it takes, what it gives back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dhcp-world.h"

/* shows: 4173-5-17 2131-4.4.3-01 2131-3.5-01 */
static void
test_inform(void **state)
{
	struct world w;
	size_t n;

	start(&w, true, NULL);
	go(&w);
	assert_int_equal(sent(&w), DHCP_INFORM);
	assert_memory_equal(w.d.from, w.config.address, 4);
	assert_memory_equal(w.d.data + 12, w.config.address, 4);
	assert_memory_equal(w.d.to, "\xff\xff\xff\xff", 4);
	assert_memory_equal(w.d.mac, "\xff\xff\xff\xff\xff\xff", 6);
	assert_null(sent_option(&w, 51, &n));
	assert_non_null(memchr(sent_option(&w, 55, &n), 17, 4));
	assert_int_equal(sent(&w), 0);

	answer(&w, DHCP_ACK, ONE, PATH);
	w.r.b[7] ^= 1;				/* of another's */
	deliver(&w);
	answer(&w, DHCP_ACK, ONE, PATH);
	w.r.b[30] ^= 1;				/* hardware address */
	deliver(&w);
	answer(&w, DHCP_OFFER, ONE, PATH);
	deliver(&w);
	answer(&w, DHCP_NAK, ONE, PATH);
	deliver(&w);
	answer(&w, DHCP_ACK, "\0\0\0\0", PATH);
	deliver(&w);

	char how[DHCP_HOW_MAX];
	struct lun_error err;

	assert_int_equal(result(&w, how, &err), DHCP_PENDING);
	answer(&w, DHCP_ACK, ONE, PATH);
	deliver(&w);
	ends(&w, 0, "DHCP server 192.0.2.1 on eth0");
}

/* The address that comes with it is given back. */
/* shows: 4173-5-17 4173-5-18 */
static void
test_discover(void **state)
{
	struct world w;
	size_t n;

	start(&w, false, NULL);
	go(&w);
	assert_int_equal(sent(&w), DHCP_DISCOVER);
	assert_memory_equal(w.d.from, "\0\0\0\0", 4);
	answer(&w, DHCP_OFFER, ONE, PATH);
	deliver(&w);
	assert_int_equal(sent(&w), DHCP_REQUEST);
	assert_memory_equal(sent_option(&w, 50, &n), YIADDR, 4);
	assert_memory_equal(sent_option(&w, 54, &n), ONE, 4);
	assert_memory_equal(w.d.data + 12, "\0\0\0\0", 4);
	answer(&w, DHCP_ACK, TWO, PATH);	/* whom nobody asked */
	deliver(&w);
	assert_int_equal(sent(&w), 0);
	answer(&w, DHCP_ACK, ONE, PATH);
	deliver(&w);
	assert_int_equal(sent(&w), DHCP_RELEASE);
	assert_memory_equal(w.d.from, YIADDR, 4);
	assert_memory_equal(w.d.data + 12, YIADDR, 4);
	assert_memory_equal(w.d.to, ONE, 4);
	assert_memory_equal(w.d.mac, server_mac, 6);
	ends(&w, 0, "192.0.2.1");
}

/* The first with a root path counts; for one without, it waits a moment. */
static void
test_choice(void **state)
{
	struct world w;

	start(&w, true, NULL);
	go(&w);
	sent(&w);
	answer(&w, DHCP_ACK, ONE, NULL);
	deliver(&w);
	assert_true(dhcp_client_deadline(w.c) <= TIME_S);
	answer(&w, DHCP_ACK, TWO, PATH);
	deliver(&w);
	ends(&w, 0, "192.0.2.2");

	go(&w);
	sent(&w);
	answer(&w, DHCP_ACK, ONE, "/export/root");
	deliver(&w);
	wait_for(&w);
	ends(&w, BOOT_NOTHING, "192.0.2.1");

	go(&w);
	sent(&w);
	answer(&w, DHCP_ACK, ONE, NULL);
	deliver(&w);
	answer(&w, DHCP_ACK, TWO, "iscsi:h");
	deliver(&w);
	wait_for(&w);
	ends(&w, LUN_EINVAL, "192.0.2.2: \"iscsi:h\": it has not the five");

	/* nothing is requested of an OFFER that is of no use */
	start(&w, false, NULL);
	go(&w);
	sent(&w);
	answer(&w, DHCP_OFFER, ONE, NULL);
	deliver(&w);
	wait_for(&w);
	ends(&w, BOOT_NOTHING, "192.0.2.1");
}

/* shows: 2131-4.1-01 */
static void
test_dead_server(void **state)
{
	static const int pauses[] = { 4, 8, 16, 32, 64, 64 };
	bool differ = false;

	for (seed = 1; seed < 50; seed++) {
		struct world w;
		lun_time last = 0;

		start(&w, seed % 2, NULL);
		w.config.tries = 6;
		go(&w);
		for (size_t i = 0; i < COUNT(pauses); i++) {
			assert_int_equal(sent(&w), seed % 2 ? DHCP_INFORM :
							      DHCP_DISCOVER);
			assert_int_equal(get16(w.d.data + 8), w.now / TIME_S);
			wait_for(&w);

			lun_time off = w.now - last - pauses[i] * TIME_S;

			assert_true(off >= -TIME_S && off <= TIME_S);
			differ |= off != 0;
			last = w.now;
		}
		ends(&w, LUN_ETIMEDOUT, "no server has answered 6 requests");
	}
	assert_true(differ);

	struct world w;

	start(&w, true, NULL);		/* four times, about a minute */
	go(&w);
	while (sent(&w))
		wait_for(&w);
	assert_true(w.now >= 56 * TIME_S && w.now <= 64 * TIME_S);
	ends(&w, LUN_ETIMEDOUT, "4 requests");
}

/* The server that has offered dies, or says no. */
static void
test_no_ack(void **state)
{
	struct world w;

	start(&w, false, NULL);
	go(&w);
	sent(&w);
	answer(&w, DHCP_OFFER, ONE, PATH);
	deliver(&w);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(sent(&w), DHCP_REQUEST);
		wait_for(&w);
	}
	ends(&w, LUN_ETIMEDOUT, "4 requests");

	go(&w);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(sent(&w), DHCP_DISCOVER);
		answer(&w, DHCP_OFFER, ONE, PATH);
		deliver(&w);
		assert_int_equal(sent(&w), DHCP_REQUEST);
		answer(&w, DHCP_NAK, ONE, NULL);
		deliver(&w);
	}
	ends(&w, LUN_EREFUSED, "takes its OFFER back");
}

/* shows: 4173-8-02 */
static void
test_allowed_servers(void **state)
{
	struct world w;

	start(&w, true, NULL);
	w.config.servers = "192.0.2.20, 192.0.2.2";
	go(&w);
	sent(&w);
	answer(&w, DHCP_ACK, ONE, PATH);
	deliver(&w);
	assert_non_null(strstr(logged, "192.0.2.1: ignored: not among those"));
	answer(&w, DHCP_ACK, TWO, PATH);
	deliver(&w);
	ends(&w, 0, "192.0.2.2");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inform),
		cmocka_unit_test(test_discover),
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_dead_server),
		cmocka_unit_test(test_no_ack),
		cmocka_unit_test(test_allowed_servers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
