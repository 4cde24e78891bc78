/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See pump.h. A pipe is one TCP connection, from the wish to its end: the dial
 * while it is made, then the socket. conn_driver() is the pipe, or NULL.
 *
 * A socket that is readable is read until it has less than was asked for, or
 * for READS_MAX times, so that others have their turn. Sending is tried when
 * the session has stepped; EPOLLOUT is armed only while the socket is full.
 *
 * A pipe that hung up or failed tells its connection once and is gone at once:
 * no event can repeat.
 */
#include "io/pump.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "io/capture.h"
#include "io/tcp.h"

enum {
	READS_MAX	= 16,	/* per socket and wake-up */
	WRITES_MAX	= 16,
	SEND_IOV_MAX	= 128,
	KNOCKS		= 7,
};

#define KNOCK_TIME	(10 * TIME_MS)	/* then twice as long, and so on */

struct pump {
	struct lun_loop *loop;
	const struct proxy *proxy;	/* NULL: none */
	struct session *session;
	bool stepping;
	struct job step, flush;
	size_t load;			/* what pace knows of the session */
	struct list pipes;

	struct portal watched;
	lun_time refused_at;		/* by that portal, since it is watched */
	struct dial *knock;		/* asks it; NULL: not now */
	struct timer knock_at;
	unsigned knocks;
};

struct pipe {
	struct list link;
	struct pump *pump;
	struct conn *conn;
	struct portal portal;
	struct dial *dial;		/* NULL: connected */
	struct source source;		/* fd -1: none yet */
	struct capture *capture;	/* NULL: none */
	struct pcapng_conn captured;
};

static struct pipe *
pipe_free(struct pipe *p)
{
	if (p->capture)
		capture_fin(p->capture, &p->captured, true);
	capture_unref(p->capture);
	dial_free(p->dial);
	source_del(&p->source);
	if (p->source.fd >= 0)
		tcp_close(p->source.fd);
	conn_set_driver(p->conn, NULL);
	list_del(&p->link);
	free(p);
	return NULL;
}

/* The end: the connection is told and the pipe is no more. */
static void
pipe_lost(struct pipe *p, const struct lun_error *err)
{
	struct conn *c = p->conn;
	lun_time now = p->pump->loop->now;
	struct lun_error why = *err;		/* it may go with p */

	pipe_free(p);
	conn_lost(c, why.code, why.text, now);
}

static void
pipe_failed(struct pipe *p, int e)
{
	char name[PORTAL_TEXT_MAX];
	struct lun_error err;

	lun_fail(&err, LUN_ELOST, "%s: %s", portal_print(&p->portal, name),
		 strerror(e));
	pipe_lost(p, &err);
}

static void
pipe_ended(struct pipe *p)
{
	char name[PORTAL_TEXT_MAX];
	struct lun_error err;

	if (p->capture)
		capture_fin(p->capture, &p->captured, false);
	lun_fail(&err, LUN_ELOST, "%s: connection closed by the target",
		 portal_print(&p->portal, name));
	pipe_lost(p, &err);
}

/* ------------------------------------------------------------ sending -- */

/*
 * Sends until there is nothing to send, or no room in the socket, or others
 * should have their turn: then the next wake-up goes on. False if the pipe is
 * gone.
 */
static bool
pipe_send(struct pipe *p)
{
	bool more = true;

	for (int i = 0; i < WRITES_MAX; i++) {
		struct iovec iov[SEND_IOV_MAX];
		int n = conn_tx_iov(p->conn, iov, SEND_IOV_MAX,
				    p->pump->loop->now);
		struct msghdr msg = { .msg_iov = iov, .msg_iovlen = (size_t)n };
		size_t total = 0;

		if (n == 0) {
			more = false;
			break;
		}
		for (int k = 0; k < n; k++)
			total += iov[k].iov_len;

		ssize_t sent = sendmsg(p->source.fd, &msg, MSG_NOSIGNAL);

		/* EPIPE: what the target said before it went is still to be
		 * read, and its end comes after that. */
		if (sent < 0 && errno == EPIPE)
			return true;
		if (sent < 0 && errno != EAGAIN && errno != EINTR) {
			pipe_failed(p, errno);
			return false;
		}
		if (sent > 0 && p->capture)
			capture_bytes(p->capture, &p->captured, true, iov,
				      (size_t)sent);
		if (sent > 0) {
			pace_moved(&p->pump->loop->pace, (size_t)sent);
			conn_tx_ack(p->conn, (size_t)sent);
		}
		if (sent < (ssize_t)total)
			break;
	}
	source_arm(&p->source, more ? p->source.armed | EPOLLOUT :
		   p->source.armed & ~(uint32_t)EPOLLOUT);
	return true;
}

static void
flush(struct job *j)
{
	struct pump *pump = container_of(j, struct pump, flush);
	struct pipe *p;

	list_for_each(p, &pump->pipes, struct pipe, link)
		if (p->source.fd >= 0 && !(p->source.armed & EPOLLOUT))
			pipe_send(p);
}

/* ---------------------------------------------------------- receiving -- */

static void
pipe_receive(struct pipe *p)
{
	for (int i = 0; i < READS_MAX && conn_wants_rx(p->conn); i++) {
		struct iovec iov[2];
		int n = conn_rx_iov(p->conn, iov);
		size_t total = iov[0].iov_len + (n > 1 ? iov[1].iov_len : 0);
		ssize_t got = readv(p->source.fd, iov, n);

		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (got < 0) {
			pipe_failed(p, errno);
			return;
		}
		if (got == 0) {
			pipe_ended(p);
			return;
		}
		if (p->capture)
			capture_bytes(p->capture, &p->captured, false, iov,
				      (size_t)got);
		pace_moved(&p->pump->loop->pace, (size_t)got);
		conn_rx_ack(p->conn, (size_t)got, p->pump->loop->now);
		/* it may have opened the window for commands that wait */
		loop_add_flush(p->pump->loop, &p->pump->flush);
		if ((size_t)got < total)
			return;
	}
}

/* The connection takes nothing any more, but has not been closed yet: what
 * comes is no reason to wake up, and what hangs up is the end. */
static void
pipe_unwanted(struct pipe *p, uint32_t events)
{
	source_arm(&p->source, p->source.armed & ~(uint32_t)EPOLLIN);
	if (events & (EPOLLHUP | EPOLLERR))
		pipe_ended(p);
}

static void
pipe_ready(struct source *s, uint32_t events)
{
	struct pipe *p = container_of(s, struct pipe, source);

	if ((events & EPOLLOUT) && !pipe_send(p))
		return;
	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	if (conn_wants_rx(p->conn))
		pipe_receive(p);	/* finds hang-ups and errors, too */
	else
		pipe_unwanted(p, events);
}

/* --------------------------------------------------------- the driver -- */

static void
note_refusal(struct pump *pump, const struct portal *portal,
	     const struct dial *d)
{
	if (dial_was_refused(d) && portal_equal(portal, &pump->watched))
		pump->refused_at = pump->loop->now;
}

static void
dialled(void *user, int fd, const struct lun_error *err)
{
	struct pipe *p = user;
	struct lun_error e;

	if (fd < 0) {
		note_refusal(p->pump, &p->portal, p->dial);
		pipe_lost(p, err);
		return;
	}
	p->dial = dial_free(p->dial);
	p->source.fd = fd;
	if (source_add(&p->source, p->pump->loop, EPOLLIN, &e) < 0) {
		pipe_lost(p, &e);
		return;
	}
	if (p->pump->loop->capture &&
	    capture_open(p->pump->loop->capture, &p->captured, fd))
		p->capture = capture_ref(p->pump->loop->capture);
	conn_connected(p->conn, p->pump->loop->now);
}

static void
pump_connect(void *user, struct conn *c, const struct portal *portal)
{
	struct pump *pump = user;
	struct pipe *p = calloc(1, sizeof(*p));

	assert(!conn_driver(c));
	if (!p || dial_new(&p->dial, pump->loop, portal, pump->proxy, dialled,
			   p) < 0) {
		free(p);
		conn_lost(c, LUN_ENOMEM, "connect: out of memory",
			  pump->loop->now);
		return;
	}
	p->pump = pump;
	p->conn = c;
	p->portal = *portal;
	p->source.fd = -1;
	p->source.kind = SOURCE_SOCKET;
	p->source.ready = pipe_ready;
	list_append(&pump->pipes, &p->link);
	conn_set_driver(c, p);
}

static void
pump_close(void *user, struct conn *c)
{
	struct pipe *p = conn_driver(c);

	if (p)
		pipe_free(p);
}

static void
pump_stir(void *user, struct session *s)
{
	struct pump *p = user;

	p->session = s;
	loop_add_job(p->loop, &p->step);
}

const struct session_driver pump_driver = {
	.stir = pump_stir,
	.connect = pump_connect,
	.close = pump_close,
};

static void
step(struct job *j)
{
	struct pump *p = container_of(j, struct pump, step);

	p->stepping = true;
	size_t done = session_step(p->session, p->loop->now);

	p->stepping = false;
	pace_note(&p->loop->pace, &p->load, session_load(p->session), done);
	if (session_window_is_full(p->session))
		pace_waits(&p->loop->pace, p->loop->now);
	loop_add_flush(p->loop, &p->flush);
}

bool
pump_is_stepping(const struct pump *p)
{
	return p->stepping;
}

static bool
peer_of(struct portal *peer, int fd)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	char port[8];

	if (getpeername(fd, (struct sockaddr *)&sa, &len) < 0 ||
	    getnameinfo((struct sockaddr *)&sa, len, peer->host,
			sizeof(peer->host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return false;
	peer->port = (uint16_t)strtoul(port, NULL, 10);
	return true;
}

bool
pump_is_at(const struct pump *pump, const struct portal *portal)
{
	struct pipe *p;
	struct portal peer;

	list_for_each(p, &pump->pipes, struct pipe, link)
		if (portal_equal(&p->portal, portal) ||
		    (!pump->proxy && peer_of(&peer, p->source.fd) &&
		     portal_equal(&peer, portal)))
			return true;
	return false;
}

static void
knocked(void *user, int fd, const struct lun_error *err)
{
	struct pump *p = user;

	note_refusal(p, &p->watched, p->knock);
	p->knock = dial_free(p->knock);
	if (fd >= 0)
		close(fd);
	if (!p->refused_at && ++p->knocks < KNOCKS)
		timer_set(&p->knock_at, time_add(p->loop->now,
						 KNOCK_TIME << p->knocks));
}

/* Without memory it is not asked, but for what is tried later. */
static void
knock(struct timer *t, lun_time now)
{
	struct pump *p = container_of(t, struct pump, knock_at);

	dial_new(&p->knock, p->loop, &p->watched, p->proxy, knocked, p);
}

/* A process that ends may close what it listens at after its connections; and
 * one that takes its place can be there soon. */
void
pump_watch(struct pump *p, const struct portal *portal, bool ask)
{
	p->watched = *portal;
	p->refused_at = 0;
	p->knock = dial_free(p->knock);
	p->knocks = 0;
	timer_clear(&p->knock_at);
	if (ask)
		timer_set(&p->knock_at, time_add(p->loop->now, KNOCK_TIME));
}

void
pump_unwatch(struct pump *p)
{
	p->knock = dial_free(p->knock);
	timer_clear(&p->knock_at);
}

lun_time
pump_refused_at(const struct pump *p)
{
	return p->refused_at;
}

int
pump_new(struct pump **out, struct lun_loop *loop, const struct proxy *proxy,
	 struct lun_error *err)
{
	struct pump *p = calloc(1, sizeof(*p));

	if (!p || timer_init(&p->knock_at, &loop->timers, knock) < 0) {
		free(p);
		return lun_fail(err, LUN_ENOMEM, "session: out of memory");
	}
	p->loop = loop;
	p->proxy = proxy;
	list_init(&p->pipes);
	job_init(&p->step, step);
	job_init(&p->flush, flush);
	loop->users++;
	*out = p;
	return 0;
}

struct pump *
pump_free(struct pump *p)
{
	if (!p)
		return NULL;
	assert(list_empty(&p->pipes));
	assert(!p->stepping);
	dial_free(p->knock);
	timer_deinit(&p->knock_at);
	job_deinit(&p->step);
	job_deinit(&p->flush);
	pace_note(&p->loop->pace, &p->load, 0, 0);
	p->loop->users--;
	free(p);
	return NULL;
}
