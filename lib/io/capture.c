/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See capture.h. The first write that fails ends the capture. */
#include "io/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"

enum { CAPTURE_IOV_MAX = 128 };

struct capture {
	int fd;			/* -1: ended */
	size_t refs;
	const struct lun_env *env;
};

static uint64_t
wall_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void
end(struct capture *c, const char *why)
{
	env_log(c->env, LUN_LOG_ERROR, "pcap: the capture ends: %s", why);
	close(c->fd);
	c->fd = -1;
}

/* Writes all of it, or ends the capture. Changes iov. */
static void
put(struct capture *c, struct iovec *iov, int n)
{
	while (c->fd >= 0 && n > 0) {
		ssize_t w = writev(c->fd, iov, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0) {
			end(c, strerror(errno));
			return;
		}
		for (; n > 0 && (size_t)w >= iov->iov_len; iov++, n--)
			w -= (ssize_t)iov->iov_len;
		if (n > 0) {
			iov->iov_base = (char *)iov->iov_base + w;
			iov->iov_len -= (size_t)w;
		}
	}
}

/*
 * What goes over the wire is nobody else's business, also if the file was there
 * already. A pipe is refused: it could be without a reader, or full.
 */
static int
create(int *out, const char *path, struct lun_error *err)
{
	struct stat st;
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY |
		      O_NOFOLLOW | O_NONBLOCK, 0600);
	int e = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		e = errno;
	else if (!S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode))
		e = ENXIO;
	else if (S_ISREG(st.st_mode) &&
		 ((st.st_uid == geteuid() && fchmod(fd, 0600) < 0) ||
		  ftruncate(fd, 0) < 0))
		e = errno;
	if (e == 0) {
		*out = fd;
		return 0;
	}
	if (fd >= 0)
		close(fd);
	return lun_fail(err, LUN_ESYS, "%s: %s", path,
			e == ENXIO ? "is neither a file nor a device" :
			e == ELOOP ? "is a symbolic link" : strerror(e));
}

int
capture_new(struct capture **out, const char *path, const struct lun_env *env,
	    struct lun_error *err)
{
	struct capture *c = calloc(1, sizeof(*c));

	if (!c)
		return lun_fail(err, LUN_ENOMEM, "pcap: out of memory");
	int r = create(&c->fd, path, err);
	if (r < 0) {
		free(c);
		return r;
	}
	c->refs = 1;
	c->env = env;

	uint8_t head[PCAPNG_HEADER_MAX];
	struct iovec iov = { head, pcapng_header(head) };

	put(c, &iov, 1);
	*out = c;
	return 0;
}

struct capture *
capture_ref(struct capture *c)
{
	if (c)
		c->refs++;
	return c;
}

struct capture *
capture_unref(struct capture *c)
{
	if (!c || --c->refs > 0)
		return NULL;
	if (c->fd >= 0)
		close(c->fd);
	free(c);
	return NULL;
}

bool
capture_open(struct capture *c, struct pcapng_conn *conn, int fd)
{
	socklen_t us = sizeof(conn->us), peer = sizeof(conn->peer);
	uint8_t buf[3 * PCAPNG_PACKET_MAX];

	*conn = (struct pcapng_conn){ .seq_us = 1, .seq_peer = 1 };
	if (getsockname(fd, (struct sockaddr *)&conn->us, &us) < 0 ||
	    getpeername(fd, (struct sockaddr *)&conn->peer, &peer) < 0)
		return false;

	struct iovec iov = { buf, pcapng_open(conn, wall_clock(), buf) };

	put(c, &iov, 1);
	return true;
}

/* One packet, whose payload begins at part[1]; part has room for its ends. */
static void
packet(struct capture *c, struct pcapng_conn *conn, bool from_us, bool fin,
       struct iovec *part, int n)
{
	uint8_t head[PCAPNG_PACKET_MAX], tail[PCAPNG_PACKET_MAX];
	size_t head_len, tail_len;

	pcapng_packet(conn, from_us, fin, wall_clock(), part + 1, n, head,
		      &head_len, tail, &tail_len);
	part[0] = (struct iovec){ head, head_len };
	part[n + 1] = (struct iovec){ tail, tail_len };
	put(c, part, n + 2);
}

void
capture_bytes(struct capture *c, struct pcapng_conn *conn, bool from_us,
	      const struct iovec *iov, size_t n)
{
	size_t at = 0;			/* within *iov */

	while (c->fd >= 0 && n > 0) {
		struct iovec part[CAPTURE_IOV_MAX + 2];
		size_t room = PCAPNG_PAYLOAD_MAX;
		int k = 0;

		while (n > 0 && room > 0 && k < CAPTURE_IOV_MAX) {
			size_t len = iov->iov_len - at;

			len = len < n ? len : n;
			len = len < room ? len : room;
			part[++k] = (struct iovec){
				(char *)iov->iov_base + at, len };
			n -= len;
			room -= len;
			at += len;
			if (at == iov->iov_len) {
				iov++;
				at = 0;
			}
		}
		packet(c, conn, from_us, false, part, k);
	}
}

void
capture_fin(struct capture *c, struct pcapng_conn *conn, bool from_us)
{
	struct iovec part[2];

	if (c->fd >= 0)
		packet(c, conn, from_us, true, part, 0);
}
