/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The socket front end of a target. See front.h.
 *
 * A connection is read when the socket has something, once for each event, so
 * that no peer starves the others; it is written whenever the target says that
 * there may be something, until the socket is full, then when there is room.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/list.h"
#include "front.h"
#include "wire/print.h"

enum { IOV_COUNT = 128, EVENTS = 64, LISTENERS_MAX = 16 };

enum kind { LISTENER, PEER, SIGNALS };

struct watched {			/* what an epoll event points at */
	enum kind kind;
	int fd;
};

struct peer {
	struct watched w;
	struct list in_front;
	struct front *front;
	struct tconn *conn;
	bool waits_for_room, input_ended, gone;
	unsigned number;
};

struct front {
	struct target *target;
	struct watched signals;
	struct watched listeners[LISTENERS_MAX];
	unsigned listener_count;
	struct list peers, gone;
	unsigned last_number;
	int epoll;
	bool verbose;
};

lun_time
front_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * TIME_S + ts.tv_nsec;
}

void
front_random(void *user, void *buf, size_t len)
{
	if (getrandom(buf, len, 0) != (ssize_t)len)
		abort();
}

void
front_trace(void *user, const void *conn_user, const struct pdu *pdu)
{
	const struct peer *p = conn_user;
	char line[1024];

	fprintf(stderr, "%u %s %s\n", p->number,
		pdu_from_target(pdu->opcode) ? ">" : "<",
		pdu_print(pdu, line, sizeof(line)));
}

void
front_fault(void *user, const void *conn_user, const char *kind,
	    const struct pdu *pdu)
{
	const struct peer *p = conn_user;
	const char *name = pdu_name(pdu->opcode);

	fprintf(stderr, "%u ! %s %s\n", p->number, kind, name ? name : "?");
}

static int
fail(struct lun_error *err, const char *what)
{
	return lun_fail(err, LUN_ESYS, "%s: %s", what, strerror(errno));
}

static int
watch(struct front *f, struct watched *w, uint32_t events, int op)
{
	struct epoll_event ev = { .events = events, .data.ptr = w };

	return epoll_ctl(f->epoll, op, w->fd, &ev);
}

static void
print_address(const struct sockaddr_storage *ss, char out[80])
{
	char host[64], port[8];

	getnameinfo((const struct sockaddr *)ss, sizeof(*ss), host,
		    sizeof(host), port, sizeof(port),
		    NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(out, 80, ss->ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s",
		 host, port);
}

/* ----------------------------------------------------------------- peers -- */

static void
close_peer(struct peer *p)
{
	struct front *f = p->front;

	if (p->gone)
		return;
	if (f->verbose)
		fprintf(stderr, "%u closed%s%s\n", p->number,
			*tconn_reason(p->conn) ? ": " : "",
			tconn_reason(p->conn));
	p->gone = true;
	p->conn = tconn_free(p->conn, front_now());
	close(p->w.fd);
	list_del(&p->in_front);
	list_append(&f->gone, &p->in_front);	/* events may still name it */
}

static void
want_events(struct peer *p, bool room)
{
	uint32_t in = p->input_ended ? 0 : EPOLLIN;

	if (room == p->waits_for_room && !p->input_ended)
		return;
	p->waits_for_room = room;
	watch(p->front, &p->w, in | (room ? EPOLLOUT : 0), EPOLL_CTL_MOD);
}

static void
write_peer(struct peer *p)
{
	struct iovec iov[IOV_COUNT];
	struct msghdr msg = { .msg_iov = iov };
	int count;

	while ((count = tconn_tx_iov(p->conn, iov, IOV_COUNT)) > 0) {
		ssize_t n;

		msg.msg_iovlen = (size_t)count;
		n = sendmsg(p->w.fd, &msg, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0 && errno != EINTR) {
			close_peer(p);
			return;
		}
		if (n > 0)
			tconn_tx_ack(p->conn, (size_t)n, front_now());
	}
	if (tconn_finished(p->conn))
		close_peer(p);
	else
		want_events(p, count > 0);
}

static void
read_peer(struct peer *p)
{
	struct iovec iov[2];
	int count = tconn_rx_iov(p->conn, iov);
	ssize_t n;

	if (count == 0) {			/* it only sends, then closes */
		p->input_ended = true;
		want_events(p, p->waits_for_room);
		return;
	}
	n = readv(p->w.fd, iov, count);
	if (n > 0)
		tconn_rx_ack(p->conn, (size_t)n, front_now());
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close_peer(p);
	if (!p->gone && tconn_finished(p->conn))
		close_peer(p);
}

/* What one connection received may concern others. */
static void
serve_ready(struct front *f)
{
	struct tconn *c;

	while ((c = target_ready(f->target)))
		write_peer(tconn_user(c));
}

static void
peer_event(struct peer *p, uint32_t events)
{
	if (p->gone)
		return;
	if (events & (EPOLLERR | EPOLLHUP)) {
		close_peer(p);
		return;
	}
	if (events & EPOLLIN)
		read_peer(p);
	if ((events & EPOLLOUT) && !p->gone)
		write_peer(p);
}

static int
add_peer(struct front *f, int fd)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);
	struct peer *p = calloc(1, sizeof(*p));
	char portal[80];
	int on = 1;

	if (!p)
		return -1;
	p->w = (struct watched){ PEER, fd };
	p->front = f;
	p->number = ++f->last_number;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	getsockname(fd, (struct sockaddr *)&ss, &len);
	print_address(&ss, portal);
	if (tconn_new(&p->conn, f->target, portal, p, front_now(), NULL) < 0 ||
	    watch(f, &p->w, EPOLLIN, EPOLL_CTL_ADD) < 0) {
		p->conn = tconn_free(p->conn, front_now());
		free(p);
		return -1;
	}
	list_append(&f->peers, &p->in_front);
	return 0;
}

static void
accept_peer(struct front *f, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0 && add_peer(f, fd) < 0)
		close(fd);
}

/* ------------------------------------------------------------- the loop -- */

static int
bind_listener(const struct addrinfo *ai)
{
	int on = 1, fd = socket(ai->ai_family,
				SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 || listen(fd, 64) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* getaddrinfo() takes 65537 for 1. */
static bool
is_port(const char *text)
{
	size_t len = strspn(text, "0123456789");

	return len > 0 && len <= 5 && !text[len] && atoi(text) <= UINT16_MAX;
}

/* HOST, [HOST] (with colons), HOST:PORT, :PORT */
static int
resolve(const char *where, struct addrinfo **ai, struct lun_error *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_PASSIVE };
	char host[128];
	const char *bracket = strrchr(where, ']');
	const char *colon = strrchr(bracket ? bracket : where, ':');
	const char *port = colon ? colon + 1 : "3260";
	size_t len = colon ? (size_t)(colon - where) : strlen(where);
	bool bare = len < 2 || where[0] != '[' || where[len - 1] != ']';
	int r;

	snprintf(host, sizeof(host), "%.*s", (int)(bare ? len : len - 2),
		 bare ? where : where + 1);
	if (!is_port(port))
		return lun_fail(err, LUN_EINVAL, "--listen %s: not a port from "
				"0 to 65535", where);
	r = getaddrinfo(*host ? host : "127.0.0.1", port, &hints, ai);
	if (r)
		return lun_fail(err, LUN_ERESOLVE, "--listen %s: %s", where,
				gai_strerror(r));
	return 0;
}

int
front_listen(struct front *f, const char *where, struct lun_error *err)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);
	struct addrinfo *ai;
	struct watched *w;
	char address[80];
	int r;

	if (f->listener_count == LISTENERS_MAX)
		return lun_fail(err, LUN_EINVAL, "more than %d listeners",
				LISTENERS_MAX);
	r = resolve(where, &ai, err);
	if (r < 0)
		return r;
	w = &f->listeners[f->listener_count];
	*w = (struct watched){ LISTENER, bind_listener(ai) };
	freeaddrinfo(ai);
	if (w->fd < 0)
		return fail(err, where);
	f->listener_count++;
	if (watch(f, w, EPOLLIN, EPOLL_CTL_ADD) < 0 ||
	    getsockname(w->fd, (struct sockaddr *)&ss, &len) < 0)
		return fail(err, where);
	print_address(&ss, address);
	printf("listening %s\n", address);
	fflush(stdout);
	return target_add_portal(f->target, address, -1, err);
}

static int
timeout_ms(const struct front *f)
{
	lun_time at = target_deadline(f->target), left;

	if (at == TIME_NEVER)
		return -1;
	left = at - front_now();
	return left <= 0 ? 0 : (int)((left + TIME_MS - 1) / TIME_MS);
}

static void
bury(struct front *f)
{
	struct peer *p;

	list_for_each(p, &f->gone, struct peer, in_front) {
		list_del(&p->in_front);
		free(p);
	}
}

int
front_run(struct front *f, struct lun_error *err)
{
	struct epoll_event events[EVENTS];

	for (;;) {
		int n = epoll_wait(f->epoll, events, EVENTS, timeout_ms(f));

		if (n < 0 && errno != EINTR)
			return fail(err, "epoll");
		for (int i = 0; i < n; i++) {
			struct watched *w = events[i].data.ptr;

			switch (w->kind) {
			case SIGNALS:
				return 0;
			case LISTENER:
				accept_peer(f, w->fd);
				break;
			case PEER:
				peer_event((struct peer *)w, events[i].events);
				serve_ready(f);
				break;
			}
		}
		target_run(f->target, front_now());
		serve_ready(f);
		bury(f);
	}
}

int
front_new(struct front **out, struct target *t, bool verbose,
	  struct lun_error *err)
{
	struct front *f = calloc(1, sizeof(*f));
	sigset_t set;

	if (!f)
		return lun_fail(err, LUN_ENOMEM, "out of memory");
	f->target = t;
	f->verbose = verbose;
	list_init(&f->peers);
	list_init(&f->gone);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	f->epoll = epoll_create1(EPOLL_CLOEXEC);
	f->signals = (struct watched){ SIGNALS,
				       signalfd(-1, &set, SFD_CLOEXEC) };
	if (f->epoll < 0 || f->signals.fd < 0 ||
	    watch(f, &f->signals, EPOLLIN, EPOLL_CTL_ADD) < 0) {
		front_free(f);
		return fail(err, "epoll");
	}
	*out = f;
	return 0;
}

struct front *
front_free(struct front *f)
{
	struct peer *p;

	if (!f)
		return NULL;
	list_for_each(p, &f->peers, struct peer, in_front)
		close_peer(p);
	bury(f);
	for (unsigned i = 0; i < f->listener_count; i++)
		close(f->listeners[i].fd);
	if (f->signals.fd > 0)
		close(f->signals.fd);
	if (f->epoll > 0)
		close(f->epoll);
	free(f);
	return NULL;
}
