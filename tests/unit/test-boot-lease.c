/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lease files as the programs write them, odd ones, and hostile ones. Where a
 * file is cut there is no more than what it says up to there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "boot/lease.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define IQN "iqn.2001-04.com.example:disk1"
#define PATH "iscsi:192.0.2.1:6:3260:1:" IQN
#define URL "iscsi://192.0.2.1/" IQN "/1"
#define NOW 1790000000			/* in 2026 */

/* From a copy of exact size; "URL; URL", "nothing" or the error. */
static int
read_lease(const char *text, size_t len, const char **kind, char out[4096])
{
	struct boot_info b = { 0 };
	struct lun_error err = { 0 };
	char *exact = malloc(len ? len : 1), url[LUN_URL_TEXT_MAX];
	size_t n = 0;

	memcpy(exact, text, len);

	int r = boot_lease(&b, exact, len, NOW, NOW, kind, &err);

	free(exact);
	snprintf(out, 4096, "%s", r == BOOT_NOTHING ? "nothing" : err.text);
	for (size_t i = 0; r == 0 && i < b.n_targets; i++)
		n += (size_t)snprintf(out + n, 4096 - n, "%s%s", i ? "; " : "",
				      lun_url_print(&b.targets[i].url, url));
	return r;
}

#define NETWORKD(path)							      \
	"# This is private data. Do not parse.\nADDRESS=192.0.2.50\n"	      \
	"NETMASK=255.255.255.0\nSERVER_ADDRESS=192.0.2.1\nLIFETIME=3600\n"    \
	"HOSTNAME=x\n" path "CLIENTID=ffb6220feb\n"
#define NM(path)							      \
	"[device]\nmanaged=unmanaged\nnm-owned=true\n" path		      \
	"\n[dhcp4]\ndhcp4.ip_address=192.0.2.50\n"
#define KLIBC(path)							      \
	"DEVICE='eth0'\nPROTO='dhcp'\nIPV4ADDR='192.0.2.50'\n"		      \
	"HOSTNAME='x'\nROOTSERVER='192.0.2.1'\n" path "filename=''\n"
#define LEASE(iface, path, expire)					      \
	"lease {\n  interface \"" iface "\";\n  fixed-address 192.0.2.50;\n"  \
	"  option subnet-mask 255.255.255.0;\n" path			      \
	"  option domain-name \"a;} b\";\n"				      \
	"  renew 1 2026/11/30 00:00:00;\n  expire " expire ";\n}\n"
#define OPTION(path) "  option root-path \"" path "\";\n"
#define LATER "5 2099/01/02 12:00:00"

static const struct {
	const char *kind, *text, *shown;
} files[] = {
	{ "systemd-networkd", NETWORKD("ROOT_PATH=" PATH "\n"), URL },
	{ "systemd-networkd", NETWORKD(""), "nothing" },
	{ "systemd-networkd", NETWORKD("ROOT_PATH=/export/root\n"), "nothing" },
	{ "systemd-networkd", NETWORKD("ROOT_PATH=iscsi:h\n"), "?five" },
	{ "NetworkManager", NM("root-path=" PATH "\n"), URL },
	{ "NetworkManager", NM("") "dhcp4.root_path=" PATH "\n", URL },
	{ "NetworkManager", NM("root-path=" PATH "\\\\x\n"), "?target" },
	{ "NetworkManager", NM("root-path=" PATH "\\sx\n"), "?target" },
	{ "NetworkManager", NM(""), "nothing" },
	{ "ipconfig", KLIBC("ROOTPATH='" PATH "'\n"), URL },
	{ "ipconfig", KLIBC("ROOTPATH=''\n"), "nothing" },
	{ "ipconfig", KLIBC("ROOTPATH='" PATH "'\\''x'\n"), "?target" },
	{ "dhclient", LEASE("eth0", OPTION(PATH), LATER), URL },
	{ "dhclient", "default-duid \"\\000\\001\";\n"
	  LEASE("eth0", OPTION(PATH), "never"), URL },
	{ "dhclient", LEASE("eth0", OPTION(PATH), "epoch 4070908800; # x"),
	  URL },
	{ "dhclient", LEASE("eth0", OPTION(PATH), "epoch 1"), "nothing" },
	{ "dhclient", LEASE("eth0", OPTION(PATH), "4 2020/01/02 12:00:00"),
	  "nothing" },
	/* the last of an interface counts, also if it has no root path */
	{ "dhclient", LEASE("eth0", OPTION("iscsi:h::::" IQN), LATER)
	  LEASE("eth0", OPTION(PATH), LATER), URL },
	{ "dhclient", LEASE("eth0", OPTION(PATH), LATER)
	  LEASE("eth0", "", LATER), "nothing" },
	{ "dhclient", LEASE("eth0", OPTION(PATH), LATER)
	  LEASE("eth1", OPTION("iscsi:h::::" IQN), LATER),
	  URL "; iscsi://h/" IQN "/0" },
	/* bytes as octal numbers, and escapes of what ends a string */
	{ "dhclient", LEASE("eth0", OPTION("iscsi:192.0.2.1:6:3260:1:"
	  "iqn.2001-04.com.example:\\303\\274"), LATER),
	  "iscsi://192.0.2.1/iqn.2001-04.com.example:\u00fc/1" },
	{ "dhclient", LEASE("eth0", OPTION(PATH "\\000"), LATER), URL },
	{ "dhclient", LEASE("eth0", OPTION(PATH "\\000x"), LATER), "?null" },
	{ "dhclient", LEASE("eth0", OPTION(PATH "\\\"x"), LATER), "?target" },
	{ "dhclient", LEASE("eth0", "  option root-path nothing;\n", LATER),
	  "?quotes" },
	{ "dhclient", "lease {\n  interface \"eth0\";\n", "?end" },
	{ "dhclient", "lease {\n  option root-path \"" PATH, "?end" },
};

/* shows: 4173-5-19 2132-2-01 */
static void
test_files(void **state)
{
	char out[4096];

	for (size_t i = 0; i < COUNT(files); i++) {
		const char *kind = NULL, *shown = files[i].shown;

		read_lease(files[i].text, strlen(files[i].text), &kind, out);
		assert_string_equal(kind, files[i].kind);
		if (*shown == '?' ? !strstr(out, shown + 1) :
				    strcmp(out, shown) != 0)
			fail_msg("%s: %s: not %s", files[i].text, out, shown);
	}
}

static void
test_every_cut(void **state)
{
	char out[4096], whole[4096];

	for (size_t i = 0; i < COUNT(files); i++)
		for (size_t n = 0; n < strlen(files[i].text); n++) {
			int r = read_lease(files[i].text, n, NULL, out);

			assert_true(r <= BOOT_NOTHING);
			if (r < 0)
				assert_true(out[0] != '\0');
		}
	/* of a whole file the end does not matter */
	read_lease(files[0].text, strlen(files[0].text) - 5, NULL, whole);
	assert_string_equal(whole, URL);
}

static void
test_foreign(void **state)
{
	static const char *const texts[] = {
		"hello", "root-path=" PATH, "<html>", "\n\n",
		"option root-path \"" PATH "\";",
	};
	char out[4096];

	for (size_t i = 0; i < COUNT(texts); i++) {
		assert_int_equal(read_lease(texts[i], strlen(texts[i]), NULL,
					    out), LUN_EINVAL);
		assert_non_null(strstr(out, "not a lease"));
	}
	assert_int_equal(read_lease("", 0, NULL, out), BOOT_NOTHING);
}

/* More interfaces, and longer root paths, than there can be. */
static void
test_too_much(void **state)
{
	char *text = malloc(200000), out[4096];
	size_t n = 0;

	for (int i = 0; i < 100; i++)
		n += (size_t)sprintf(text + n, "lease {\n interface \"e%d\";\n}\n",
				     i);
	assert_int_equal(read_lease(text, n, NULL, out), LUN_EINVAL);
	assert_non_null(strstr(out, "interfaces"));

	n = (size_t)sprintf(text, "lease {\n option root-path \"iscsi:::::");
	memset(text + n, 'a', 5000);
	n += 5000;
	n += (size_t)sprintf(text + n, "\";\n}\n");
	assert_int_equal(read_lease(text, n, NULL, out), LUN_EINVAL);
	assert_non_null(strstr(out, "too long"));
	free(text);
}

/* What a lease of dhclient says about discovery: "isns A:P", "slp A:P", scopes
 * with "!" if they are mandatory, "only" if no others may be looked for. */
static void
show_services(const struct boot_info *b, char out[400])
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < b->n_services; i++)
		n += (size_t)snprintf(out + n, 400 - n, "%s%s %s:%u",
				      n ? "; " : "",
				      b->services[i].kind == BOOT_ISNS ? "isns" :
				      "slp", b->services[i].portal.host,
				      b->services[i].portal.port);
	if (*b->slp_scopes)
		n += (size_t)snprintf(out + n, 400 - n, "%s%s%s",
				      n ? "; " : "", b->slp_scopes,
				      b->slp_scopes_must ? "!" : "");
	if (b->slp_no_multicast)
		snprintf(out + n, 400 - n, "; only");
}

#define ISNS "0:1:0:1:0:1:0:0:0:0:c0:0:2:9"

static const struct {
	const char *statements, *shown;
} services[] = {
	{ "option unknown-83 " ISNS ";", "isns 192.0.2.9:3205" },
	{ "option isns " ISNS ":c0:0:2:a;",
	  "isns 192.0.2.9:3205; isns 192.0.2.10:3205" },
	/* the first address is that of heartbeats */
	{ "option unknown-83 0:1:0:1:0:3:0:0:0:0:ef:1:2:3:c0:0:2:9;",
	  "isns 192.0.2.9:3205" },
	{ "option isns \"0123456789@@@@\";", "isns 64.64.64.64:3205" },
	{ "option isns " ISNS ":c0;", "" },
	{ "option isns 0:1:0:1:0:1:0:0:0:0:7f:0:0:1;", "" },
	{ "option isns 0:1:;", "" }, { "option isns 0:x;", "" },
	{ "option isns ;", "" }, { "option isns \"ab;", "?end" },
	{ "option slp-directory-agent false 192.0.2.7;", "slp 192.0.2.7:427" },
	{ "option slp-directory-agent true 192.0.2.7, 192.0.2.8,192.0.2.6;",
	  "slp 192.0.2.7:427; slp 192.0.2.8:427; slp 192.0.2.6:427; only" },
	{ "option slp-directory-agent true;", "" },
	{ "option slp-directory-agent 192.0.2.7;", "" },
	{ "option slp-directory-agent true 192.0.2.777777777777777;", "" },
	{ "option slp-service-scope true \"ONE,two\";", "ONE,two!" },
	{ "option slp-service-scope false \"ONE\";", "ONE" },
	{ "option slp-service-scope false \"\";", "*" },
	{ "option slp-service-scope true;", "*!" },
	{ "option slp-service-scope true x;", "" },
	{ "option slp-service-scope true \"a\\033b\";", "" },
	{ "option slp-service-scope maybe \"ONE\";", "" },
};

static void
test_services(void **state)
{
	for (size_t i = 0; i < COUNT(services); i++) {
		struct boot_info b = { 0 };
		struct lun_error err = { 0 };
		char text[500], out[400];
		int n = snprintf(text, sizeof(text), "lease {\n  interface "
				 "\"e\";\n  %s\n  expire " LATER ";\n}\n",
				 services[i].statements);
		int r = boot_lease(&b, text, (size_t)n, NOW, NOW, NULL, &err);

		show_services(&b, out);
		if (*services[i].shown == '?') {
			assert_int_equal(r, LUN_EINVAL);
			assert_non_null(strstr(err.text,
					       services[i].shown + 1));
			continue;
		}
		assert_int_equal(r, BOOT_NOTHING);
		if (strcmp(out, services[i].shown) != 0)
			fail_msg("%s: %s: not %s", services[i].statements, out,
				 services[i].shown);
	}
}

/* One that has expired says nothing at all. */
static void
test_old_services(void **state)
{
	static const char text[] = LEASE("eth0", "  option isns " ISNS ";\n",
					 "4 2020/01/02 12:00:00");
	struct boot_info b = { 0 };
	struct lun_error err = { 0 };

	assert_int_equal(boot_lease(&b, text, strlen(text), NOW, NOW, NULL,
				    &err), BOOT_NOTHING);
	assert_int_equal(b.n_services, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_old_services),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
