/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an iSNS server may answer to a query, and the targets in it. */
#include "isns-script.h"

/* The list that a response leads to, if its attributes are as put_... says. */
static const char *
list_of(void (*put)(void))
{
	static char shown[4096];

	begin("", false, &nowhere);
	answer(0);
	put();
	deliver();
	if (news() != ISNS_LISTED)
		fail_msg("%s", t.err.text);
	snprintf(shown, sizeof(shown), "%s", str_text(&t.shown));
	end();
	return shown;
}

static void
put_kinds(void)
{
	empty_key();
	node(US, 2);
	node("iqn.2026-11.a:initiator", 2);
	node_portal(8, 3260, 1);
	node("iqn.2026-11.a:control", 4);
	node_portal(9, 3260, 1);
	node("iqn.2026-11.a:target", 1);
	node_portal(1, 3260, 1);
	node("iqn.2026-11.a:both", 3);
	node_portal(2, 3260, 1);
	node("iqn.2026-11.a:all", 7);
	node_portal(3, 3260, 1);
}

static void
put_portals(void)
{
	empty_key();
	node("iqn.2026-11.a:none", 1);
	tlv_text(&t.w, 34, "without address");
	node("iqn.2026-11.a:one", 1);
	node_portal(1, 3260, 1);
	node("iqn.2026-11.a:three", 1);
	tlv_text(&t.w, 34, "alias");
	node_portal(1, 3260, 1);
	node_portal(2, 3260, 2);
	node_portal(3, 3260, 2);
}

/* shows: 4171-5.6.5.2-05 4171-5.6.5.2-07 */
static void
test_nodes_and_their_portals(void **state)
{
	assert_string_equal(list_of(put_kinds),
			    "iqn.2026-11.a:all 10.0.0.3:3260,1; "
			    "iqn.2026-11.a:both 10.0.0.2:3260,1; "
			    "iqn.2026-11.a:target 10.0.0.1:3260,1");
	assert_string_equal(list_of(put_portals),
			    "iqn.2026-11.a:one 10.0.0.1:3260,1; "
			    "iqn.2026-11.a:three 10.0.0.1:3260,1 "
			    "10.0.0.2:3260,2 10.0.0.3:3260,2");
}

static void
put_ports(void)
{
	empty_key();
	node("iqn.2026-11.a:one", 1);
	node_portal(1, 0xcbd, 1);
	node_portal(2, 0, 1);
	node_portal(3, 0x10cbc, 1);
	node_portal(4, 0x20000, 1);
}

/* shows: 4171-6.3.2-01 */
static void
test_ports(void **state)
{
	assert_string_equal(list_of(put_ports),
			    "iqn.2026-11.a:one 10.0.0.1:3261,1 "
			    "10.0.0.2:3260,1");
}

static void
put_null_group(void)
{
	empty_key();
	node("iqn.2026-11.a:one", 1);
	node_portal(1, 3260, 1);
	node_portal(2, 3260, 2);
	node_portal(3, 3260, -1);
	tlv_address(&t.w, 49, 10, 0, 0, 3);
	tlv32(&t.w, 50, 3260);
	tlv(&t.w, 51, NULL, 0);
	node_portal(4, 3260, -1);	/* registered without */
}

static void
put_groups_last(void)
{
	empty_key();
	node("iqn.2026-11.a:one", 1);
	node_portal(1, 3260, -1);
	node_portal(2, 3260, -1);
	for (uint8_t i = 2; i > 0; i--) {
		tlv_text(&t.w, 48, "iqn.2026-11.a:one");
		tlv_address(&t.w, 49, 10, 0, 0, i);
		tlv32(&t.w, 50, 3260);
		tlv32(&t.w, 51, 100u + i);
	}
	tlv_text(&t.w, 48, "iqn.2026-11.a:other");
	tlv_address(&t.w, 49, 10, 0, 0, 1);
	tlv32(&t.w, 50, 3260);
	tlv32(&t.w, 51, 999);
}

static void
put_groups_unnamed(void)
{
	empty_key();
	node("iqn.2026-11.a:one", 1);
	node_portal(1, 3260, -1);
	tlv32(&t.w, 51, 7);
	node_portal(2, 3260, -1);
	node_portal(3, 3260, -1);
	tlv32(&t.w, 51, 8);
}

static void
put_groups_unnamed_last(void)
{
	empty_key();
	node("iqn.2026-11.a:one", 1);
	node_portal(1, 3260, -1);
	node_portal(2, 3260, -1);
	tlv32(&t.w, 51, 8);
	tlv32(&t.w, 51, 7);
}

/* shows: 4171-6.5.4-01 */
static void
test_portal_groups(void **state)
{
	assert_string_equal(list_of(put_null_group),
			    "iqn.2026-11.a:one 10.0.0.1:3260,1 "
			    "10.0.0.2:3260,2 10.0.0.4:3260,1");
	assert_string_equal(list_of(put_groups_last),
			    "iqn.2026-11.a:one 10.0.0.1:3260,101 "
			    "10.0.0.2:3260,102");
	assert_string_equal(list_of(put_groups_unnamed),
			    "iqn.2026-11.a:one 10.0.0.1:3260,7 "
			    "10.0.0.2:3260,1 10.0.0.3:3260,8");
	/* each has one, whichever it is */
	assert_string_equal(list_of(put_groups_unnamed_last),
			    "iqn.2026-11.a:one 10.0.0.1:3260,7 "
			    "10.0.0.2:3260,8");
}

static void
put_strange_ones(void)
{
	tlv(&t.w, 257, "vendor", 6);
	tlv(&t.w, 32, NULL, 0);
	tlv(&t.w, 0, NULL, 0);
	tlv_address(&t.w, 16, 9, 9, 9, 9);	/* nobody's */
	tlv32(&t.w, 17, 1);
	tlv32(&t.w, 51, 1);
	tlv_text(&t.w, 32, "iqn.2026-11.a:one");
	tlv(&t.w, 641, "vendor", 6);
	tlv32(&t.w, 33, 1);
	tlv(&t.w, 45, "12345678", 8);
	tlv_address(&t.w, 16, 10, 0, 0, 1);
	tlv32(&t.w, 17, 3260);
	tlv(&t.w, 99999, "?", 1);
	tlv32(&t.w, 2065, 1);
	tlv(&t.w, 1281, "vendor", 6);
	tlv32(&t.w, 51, 5);
	tlv32(&t.w, 17, 666);			/* of no address */
	tlv_text(&t.w, 1, "isns.entity.0001");
	tlv32(&t.w, 2, 2);
}

/* shows: 4171-4.1.1-01 */
static void
test_strange_attributes(void **state)
{
	assert_string_equal(list_of(put_strange_ones),
			    "iqn.2026-11.a:one 10.0.0.1:3260,5");
}

/* Its portals must not become those of the node before it. */
static void
bad_node(const char *name, size_t len)
{
	tlv(&t.w, 32, name, len);
	tlv32(&t.w, 33, 1);
	node_portal(66, 3260, 1);
}

static void
put_hostile(void)
{
	char longest[224], longer[301], endless[2000];

	empty_key();
	node("iqn.2026-11.a:one", 1);
	node_portal(1, 3260, 1);
	bad_node("../../etc", 10);
	bad_node("iqn.2026-11.a:x/y", 18);
	bad_node("..", 3);
	bad_node("", 1);
	bad_node("iqn.2026-11.a:\n", 16);
	bad_node("iqn.2026-11.a:\x1b[2J", 19);
	bad_node("iqn.2026-11.a:\xff", 16);
	bad_node("iqn.2026-11.a:\xe2\x80\xae", 18);
	memset(longest, 'a', 223);
	memcpy(longest, "iqn.2026-11.a:", 14);
	longest[223] = '\0';
	node(longest, 1);
	node_portal(2, 3260, 1);
	memset(longer, 'a', 300);
	memcpy(longer, "iqn.2026-11.a:", 14);
	longer[300] = '\0';
	bad_node(longer, 301);
	memset(endless, 'b', sizeof(endless));
	bad_node(endless, sizeof(endless));
	/* what stands after the zero byte is none of it */
	tlv(&t.w, 32, "iqn.2026-11.a:two\0/../x", 24);
	tlv32(&t.w, 33, 1);
	node_portal(3, 3260, 1);
	node("IQN.2026-11.A:Three", 1);
	node_portal(4, 3260, 1);
}

/* shows: 4171-6.4.1-01 */
static void
test_hostile_names(void **state)
{
	const char *list = list_of(put_hostile);

	assert_null(strstr(list, "10.0.0.66"));
	assert_null(strstr(list, "/"));
	assert_non_null(strstr(list, "aaaa 10.0.0.2:3260,1"));
	assert_non_null(strstr(list, "iqn.2026-11.a:one 10.0.0.1:3260,1;"));
	assert_non_null(strstr(list, "iqn.2026-11.a:two 10.0.0.3:3260,1"));
	assert_non_null(strstr(list, "iqn.2026-11.a:three 10.0.0.4:3260,1"));
	assert_int_equal(strspn(list, "abcdefghijklmnopqrstuvwxyz0123456789"
				".-:;, "), strlen(list));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nodes_and_their_portals),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_portal_groups),
		cmocka_unit_test(test_strange_attributes),
		cmocka_unit_test(test_hostile_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
