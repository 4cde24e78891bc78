/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sessions of a survey and what they show, for those who use them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "survey.h"
#include "text.h"

bool
survey_is_lost(const struct survey *sv)
{
	return lun_loop_lost(sv->loop) > 0;
}

void
survey_under_way(const struct survey *sv, char *text, size_t size)
{
	char url[LUN_URL_TEXT_MAX];

	snprintf(text, size, "looking for targets");
	for (size_t i = 0; i < sv->n_sources; i++) {
		if (sv->sources[i].done)
			continue;
		snprintf(text, size, "asking %s for its targets",
			 sv->sources[i].label);
		return;
	}
	for (size_t i = 0; i < sv->n; i++) {
		if (sv->v[i]->state != TARGET_OPENING)
			continue;
		snprintf(text, size, "logging in to %s",
			 target_url(sv->v[i], url));
		return;
	}
}

static void
each_session(struct survey *sv, void (*fn)(struct lun_session *s))
{
	for (size_t i = 0; i < sv->n; i++)
		if (sv->v[i]->state == TARGET_UP)
			fn(sv->v[i]->session);
}

void
survey_retry(struct survey *sv)
{
	each_session(sv, lun_session_retry);
}

void
survey_hurry(struct survey *sv)
{
	each_session(sv, lun_session_hurry);
}

void
survey_retry_failed(struct survey *sv)
{
	for (size_t i = 0; i < sv->n; i++)
		if (sv->v[i]->state == TARGET_DONE && !sv->v[i]->gone &&
		    sv->v[i]->n_portals > 0)
			survey_renew(sv->v[i]);
}

int64_t
target_clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

bool
target_wants(const struct target *t, uint64_t lun)
{
	for (size_t i = 0; i < t->n_luns; i++)
		if (t->luns[i] == lun)
			return true;
	return t->n_luns == 0;
}

/* Its size may change, and that is all that one without a name has. */
char *
disk_identity(const struct lun_disk *disk)
{
	const struct lun_disk_info *info = lun_disk_info(disk);
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	fprintf(f, "%s\n%s\n%s\n%" PRIu32 "\n", info->vendor, info->product,
		info->serial, info->block_size);
	for (size_t i = 0; i < info->n_designators; i++)
		fprintf(f, "%s\n", info->designators[i]);
	if (!*info->serial && info->n_designators == 0)
		fprintf(f, "%" PRIu64 "\n", info->size);

	bool good = !ferror(f);

	good &= fclose(f) == 0;
	if (good)
		return text;
	free(text);
	return NULL;
}

struct lun_disk *
target_disk(const struct target *t, size_t *at)
{
	struct lun_disk *disk;

	if (!t->session)
		return NULL;
	while ((disk = lun_session_disk(t->session, (*at)++)))
		if (target_wants(t, lun_disk_info(disk)->lun))
			return disk;
	return NULL;
}

char *
target_url(const struct target *t, char *text)
{
	return lun_url_print(&t->url, text);
}

char *
target_lun_url(const struct target *t, uint64_t lun, char *text)
{
	struct lun_url url = t->url;

	url.kind = LUN_URL_LUN;
	url.lun = lun;
	return lun_url_print(&url, text);
}
