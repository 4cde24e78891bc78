/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plant.h"

const char *const plant_names[PLANT_COUNT] = {
	[PLANT_NOTHING]		= "nothing",
	[PLANT_FLUSH_DROPPED]	= "flush-dropped",
	[PLANT_LEAK]		= "leak",
};

static enum plant planted;
static unsigned asked;

void
plant_begin(enum plant p)
{
	planted = p;
	asked = 0;
}

bool
plant_is(enum plant p)
{
	return planted == p;
}

bool
plant_strikes(enum plant p, unsigned n)
{
	return planted == p && ++asked % n == 0;
}
