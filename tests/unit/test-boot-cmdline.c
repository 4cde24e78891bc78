/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel command line: what is a target, who logs in, what is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "boot/cmdline.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define IQN "iqn.2009-01.com.example:testdisk"
#define ROOT "root=UUID=1 ro quiet "

/* "URL user/password/user_in/password_in; ... initiator" */
static char *
show(const char *cmdline, char out[4096])
{
	struct boot_info b = { 0 };
	struct lun_error err = { 0 };
	char *text = strdup(cmdline), url[LUN_URL_TEXT_MAX];
	int r = boot_cmdline(&b, text, &err);
	size_t n = 0;

	free(text);
	if (r != 0) {
		snprintf(out, 4096, "%s", r == BOOT_NOTHING ? "nothing" :
			 err.text);
		return out;
	}
	for (size_t i = 0; i < b.n_targets; i++) {
		const struct boot_target *t = &b.targets[i];

		n += (size_t)snprintf(out + n, 4096 - n, "%s%s", i ? "; " : "",
				      lun_url_print(&t->url, url));
		if (t->url.username[0])
			n += (size_t)snprintf(out + n, 4096 - n, " %s/%s/%s/%s",
					      t->url.username, t->url.password,
					      t->user_in, t->password_in);
	}
	snprintf(out + n, 4096 - n, " %s", b.initiator);
	return out;
}

/* shows: 4173-5-19 */
static void
test_forms(void **state)
{
	static const struct {
		const char *text, *shown;
	} cases[] = {
		{ "", "nothing" },
		{ ROOT, "nothing" },
		{ "netroot=dhcp root=nfs:h:/x iscsi_target_name=", "nothing" },
		{ "netroot=nbd:iscsi:x netroot", "nothing" },
		{ ROOT "netroot=iscsi:192.168.50.1::::" IQN,
		  "iscsi://192.168.50.1/" IQN "/0 " },
		{ "root=iscsi:192.168.50.1:6:3261:2:" IQN,
		  "iscsi://192.168.50.1:3261/" IQN "/2 " },
		{ "netroot=iscsi:[2001:db8::1]::860:4186-9:" IQN,
		  "iscsi://[2001:db8::1]:860/" IQN "/4186-0009-0000-0000 " },
		{ "netroot=iscsi:::::" IQN, "iscsi::::0-0-0-0:" IQN " " },
		/* an interface and a network device before the LUN */
		{ "netroot=iscsi:h::3260:iface0:eth0:1:" IQN,
		  "iscsi://h/" IQN "/1 " },
		{ "netroot=iscsi:[::1]::3260:iface0:eth0::" IQN,
		  "iscsi://[::1]/" IQN "/0 " },
		/* logins */
		{ "netroot=iscsi:me:s3cret@h::::" IQN,
		  "iscsi://h/" IQN "/0 me/s3cret// " },
		{ "netroot=iscsi:me:s3cret:you:other@[::1]::::" IQN,
		  "iscsi://[::1]/" IQN "/0 me/s3cret/you/other " },
		{ "netroot=iscsi:me:s3cret@pw@h::::" IQN,
		  "iscsi://h/" IQN "/0 me/s3cret@pw// " },
		{ "netroot=iscsi:@h::::" IQN, "iscsi://h/" IQN "/0 " },
		{ "netroot=iscsi:h::::" IQN
		  " rd.iscsi.username=me rd.iscsi.password=s3cret",
		  "iscsi://h/" IQN "/0 me/s3cret// " },
		/* several, and the last of what can be there once */
		{ "netroot=iscsi:h::::" IQN " netroot=iscsi:k:::1:" IQN,
		  "iscsi://h/" IQN "/0; iscsi://k/" IQN "/1 " },
		{ "iscsi_target_name=iqn.2001-04.com.example:old "
		  "iscsi_target_name=" IQN " iscsi_target_ip=192.0.2.1",
		  "iscsi://192.0.2.1/" IQN "/0 " },
		{ "iscsi_target_name=" IQN " iscsi_target_ip=2001:db8::1 "
		  "iscsi_target_port=3261 iscsi_username=me "
		  "iscsi_password=\"a b\" iscsi_in_username=you "
		  "iscsi_in_password=c iscsi_initiator=iqn.2001-04.com.x:me",
		  "iscsi://[2001:db8::1]:3261/" IQN "/0 me/a b/you/c "
		  "iqn.2001-04.com.x:me" },
		{ "rd.iscsi.target.name=" IQN " rd.iscsi.target.ip=h "
		  "rd.iscsi.initiator=IQN.2001-04.com.x:me",
		  "iscsi://h/" IQN "/0 iqn.2001-04.com.x:me" },
		{ "\"netroot=iscsi:h::::" IQN "\"\t\n", "iscsi://h/" IQN
		  "/0 " },
	};
	char out[4096];

	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(show(cases[i].text, out), cases[i].shown);
}

/* Each says which part is wrong, and none has a password in it. */
static void
test_wrong(void **state)
{
	static const struct {
		const char *text, *part;
	} cases[] = {
		{ "netroot=iscsi:me:s3cret@h::::x", "target" },
		{ "netroot=iscsi:me:s3cret:a:s3cret:b@h::::" IQN,
		  "user:password:user:password" },
		{ "netroot=iscsi:me:s3cret@h:17:::" IQN, "protocol" },
		{ "netroot=iscsi:h", "five" },
		{ "netroot=iscsi:h::::" IQN "@sk", "'@' is not allowed" },
		{ "netroot=iscsi:me:s3cret@h:::zz:" IQN, "LUN" },
		{ "netroot=iscsi:me:s3cret@192.0.2.7", "five" },
		{ "netroot=iscsi:me:s3cret@192.0.2.7:3260:" IQN, "five" },
		{ "root=iscsi:me:s3cret@san/" IQN, "five" },
		{ "netroot=iscsi:me:s3cret@h::::" IQN "@sk",
		  "'@' is not allowed" },
		{ "netroot=iscsi:h::::iqn.2001-04.com.x:a:b:c@d:e:f:g:h",
		  "'@' is not allowed" },
		{ "netroot=iscsi:a:6:3260:0:iqn.s3cret@h::::" IQN,
		  "'@' is not allowed" },
		{ "iscsi_target_name=" IQN " iscsi_target_ip=me:s3cret@h",
		  "'@' is not allowed" },
		{ "iscsi_target_name=x", "target" },
		{ "iscsi_target_name=" IQN " iscsi_target_port=0", "port" },
		{ "netroot=iscsi:h::::" IQN " iscsi_initiator=x", "initiator" },
		{ "netroot=iscsi:h::::" IQN " netroot=iscsi:h::::" IQN
		  " netroot=iscsi:h::::" IQN " netroot=iscsi:h::::" IQN
		  " netroot=iscsi:me:s3cret@h::::" IQN, "too many" },
	};
	char out[4096];

	for (size_t i = 0; i < COUNT(cases); i++) {
		show(cases[i].text, out);
		if (!strstr(out, cases[i].part))
			fail_msg("%s: not \"%s\" in: %s", cases[i].text,
				 cases[i].part, out);
		assert_null(strstr(out, "s3cret"));
	}
}

/* What is longer than its place is refused, not cut. */
static void
test_long(void **state)
{
	static const char *const params[] = {
		"rd.iscsi.username=", "rd.iscsi.password=",
		"rd.iscsi.in.username=", "rd.iscsi.in.password=",
		"iscsi_initiator=iqn.2001-04.com.x:", "netroot=iscsi:::::",
		"iscsi_target_name=iqn.2001-04.com.x:",
	};
	char text[3000], out[4096];

	for (size_t i = 0; i < COUNT(params); i++) {
		size_t n = (size_t)snprintf(text, sizeof(text), "netroot=iscsi:"
					    "h::::" IQN " %s", params[i]);

		memset(text + n, 'a', 2000);
		text[n + 2000] = '\0';
		show(text, out);
		if (strncmp(out, "iscsi:", 6) == 0 || strcmp(out, "nothing") == 0)
			fail_msg("%s: taken: %.80s", params[i], out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
