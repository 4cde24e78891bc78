/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See listen.h. The newest caller takes the place of the oldest. */
#include "io/listen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"

enum { CHUNK = 16 << 10 };

struct caller {
	struct source source;		/* fd -1: nobody */
	struct listen *listen;
	void *own;
};

struct listen {
	struct lun_loop *loop;
	struct source source;
	struct address local;
	const struct listen_ops *ops;
	void *user;
	struct caller callers[LISTEN_CONNECTIONS];
	size_t next;			/* the place of the next caller */
};

static void
hang_up(struct caller *c)
{
	if (c->source.fd < 0)
		return;
	source_del(&c->source);
	close(c->source.fd);
	c->source.fd = -1;
	c->listen->ops->ended(c->listen->user, c);
	free(c->own);
	c->own = NULL;
}

static void
readable(struct source *s, uint32_t events)
{
	struct caller *c = container_of(s, struct caller, source);
	struct listen *l = c->listen;
	uint8_t data[CHUNK];
	ssize_t n = recv(s->fd, data, sizeof(data), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || !l->ops->received(l->user, c, data, (size_t)n))
		hang_up(c);
}

static void
take_caller(struct listen *l, int fd)
{
	struct caller *c = &l->callers[l->next];

	hang_up(c);
	l->next = (l->next + 1) % LISTEN_CONNECTIONS;
	c->own = calloc(1, l->ops->size);
	c->source.fd = fd;
	if (!c->own ||
	    source_add(&c->source, l->loop, EPOLLIN, NULL) < 0) {
		free(c->own);
		c->own = NULL;
		close(fd);
		c->source.fd = -1;
	}
}

static void
called(struct source *s, uint32_t events)
{
	struct listen *l = container_of(s, struct listen, source);
	int fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0)
		take_caller(l, fd);
}

struct listen *
listen_free(struct listen *l)
{
	if (!l)
		return NULL;
	for (size_t i = 0; i < LISTEN_CONNECTIONS; i++)
		hang_up(&l->callers[i]);
	source_del(&l->source);
	if (l->source.fd >= 0)
		close(l->source.fd);
	free(l);
	return NULL;
}

static void
listen_freep(struct listen **l)
{
	listen_free(*l);
}

static int
open_socket(struct listen *l, const struct address *local)
{
	l->source.fd = socket(local->sa.sa_family, SOCK_STREAM |
			      SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	l->local.len = sizeof(l->local.in6);
	if (l->source.fd < 0 ||
	    bind(l->source.fd, &local->sa, local->len) < 0 ||
	    listen(l->source.fd, LISTEN_CONNECTIONS) < 0)
		return -1;
	return getsockname(l->source.fd, &l->local.sa, &l->local.len);
}

int
listen_new(struct listen **out, struct lun_loop *loop,
	   const struct address *local, const struct listen_ops *ops,
	   void *user, struct lun_error *err)
{
	_cleanup_(listen_freep) struct listen *l = calloc(1, sizeof(*l));

	if (!l)
		return lun_fail(err, LUN_ENOMEM, "listening: out of memory");
	l->loop = loop;
	l->ops = ops;
	l->user = user;
	l->source.fd = -1;
	l->source.kind = SOURCE_SOCKET;
	l->source.ready = called;
	for (size_t i = 0; i < LISTEN_CONNECTIONS; i++) {
		l->callers[i].listen = l;
		l->callers[i].source.fd = -1;
		l->callers[i].source.kind = SOURCE_SOCKET;
		l->callers[i].source.ready = readable;
	}
	if (open_socket(l, local) < 0)
		return lun_fail(err, LUN_ESYS, "listening: %s",
				strerror(errno));

	int r = source_add(&l->source, loop, EPOLLIN, err);

	if (r < 0)
		return r;
	*out = take(l);
	return 0;
}

struct address
listen_address(const struct listen *l)
{
	return l->local;
}

void *
caller_own(struct caller *c)
{
	return c->own;
}

bool
caller_send(struct caller *c, const void *data, size_t len)
{
	ssize_t n = send(c->source.fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);

	return n == (ssize_t)len;
}
