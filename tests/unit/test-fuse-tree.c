/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long a node lives: in the tree, known to the kernel, in use, not flushed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "fuse/tree.h"
#include "log.h"

/* The only disk of the only target, and what else the tree asks for. */
static struct lun_disk_info disk;

struct lun_disk *
target_disk(const struct target *t, size_t *at)
{
	return (*at)++ == 0 ? (struct lun_disk *)&disk : NULL;
}

const struct lun_disk_info *
lun_disk_info(const struct lun_disk *d)
{
	return &disk;
}

const struct lun_session_info *
lun_session_info(struct lun_session *s)
{
	static const struct lun_session_info info = { .target_alias = "" };

	return &info;
}

char *
disk_identity(const struct lun_disk *d)
{
	return strdup("disk");
}

void
log_say(enum lun_log_level level, const char *fmt, ...)
{
}

struct world {
	struct target target;
	struct tree *tree;
	struct node *lun;
};

static void
world_init(struct world *w)
{
	struct lun_error err;

	*w = (struct world){ .target.url.target = "iqn.2026-11.test:t" };
	disk = (struct lun_disk_info){ .state = LUN_DISK_READY };
	assert_int_equal(tree_new(&w->tree, &w->target, NULL, "t", &err), 0);
	assert_int_equal(tree_add_target(w->tree, &w->target, &err), 0);
	w->lun = tree_find(tree_find(w->tree->root, w->target.url.target), "lun0");
	assert_non_null(w->lun);
}

static void
vanish(struct world *w)
{
	struct lun_error err;

	disk.state = LUN_DISK_GONE;
	assert_int_equal(tree_update_disk(w->tree, &w->target,
					  (struct lun_disk *)&disk, &err), 0);
	assert_null(tree_find(tree_find(w->tree->root, w->target.url.target),
			      "lun0"));
}

static void
test_in_use(void **state)
{
	struct world w;

	world_init(&w);
	w.lun->opens++;
	vanish(&w);
	assert_ptr_equal(w.tree->orphans, w.lun);
	tree_close(w.lun);
	assert_null(w.tree->orphans);
	tree_free(w.tree);
}

static void
test_in_use_and_forgotten(void **state)
{
	struct world w;

	world_init(&w);
	w.lun->lookups = 2;
	w.lun->opens++;
	vanish(&w);
	tree_forget(w.lun, 2);
	assert_ptr_equal(w.tree->orphans, w.lun);
	tree_close(w.lun);
	assert_null(w.tree->orphans);
	tree_free(w.tree);
}

static void
test_closed_and_known(void **state)
{
	struct world w;

	world_init(&w);
	w.lun->lookups = 1;
	w.lun->opens++;
	vanish(&w);
	tree_close(w.lun);
	assert_ptr_equal(w.tree->orphans, w.lun);
	tree_forget(w.lun, 1);
	assert_null(w.tree->orphans);
	tree_free(w.tree);
}

static void
test_not_flushed(void **state)
{
	struct world w;

	world_init(&w);
	assert_false(node_is_dirty(w.lun));
	w.lun->lanes[1].written = 2;
	w.lun->lookups = 1;
	w.lun->opens++;
	vanish(&w);
	tree_close(w.lun);
	tree_forget(w.lun, 1);
	assert_ptr_equal(w.tree->orphans, w.lun);
	assert_true(node_is_dirty(w.lun));
	w.lun->opens++;
	w.lun->lanes[1].flushed = 2;
	tree_close(w.lun);
	assert_null(w.tree->orphans);
	tree_free(w.tree);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_use),
		cmocka_unit_test(test_in_use_and_forgotten),
		cmocka_unit_test(test_closed_and_known),
		cmocka_unit_test(test_not_flushed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
