/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "declare.h"

#include <string.h>

#include "lun-session.h"

static void
declared(struct text_exchange *x, int code, const struct lun_error *err,
	 const char *text, size_t len)
{
}

bool
declare(struct lun_loop *loop, struct lun_session *s, const char *text)
{
	static struct text_exchange x;

	x = (struct text_exchange){
		.request = text, .request_len = strlen(text) + 1,
		.answer_max = 1000, .done = declared,
	};
	return session_text(recovery_session(s->recovery), &x,
			    loop_now(loop)) == 0;
}
