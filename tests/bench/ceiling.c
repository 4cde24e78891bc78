/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ceiling of a target: how fast it is for a client that does nothing. One
 * session with the operational keys that lunfs offers, `depth` READs or WRITEs
 * in flight, and what is read is thrown away in the kernel (MSG_TRUNC). Prints
 * one JSON object, for tests/bench/compare.
 *
 * A bench, not an initiator: whatever is not the plain course ends it with a
 * message. It shares the wire layer with the engine and nothing else. The data
 * digests of what is read cannot be right, since nobody has the data; the
 * receiver computes them nevertheless, and the result is ignored.
 */
#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/serial.h"
#include "ceiling.h"
#include "wire/lun.h"

enum {
	IOV_COUNT	= 64,
	SILENCE_MS	= 20000,	/* then the target is taken for dead */
};

static uint8_t payload[BS_MAX];		/* of all writes */

void
die(const char *fmt, ...)
{
	va_list ap;

	fputs("ceiling: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* -------------------------------------------------------------- socket -- */

static void
open_socket(struct ceiling *c)
{
	struct addrinfo *a, hints = { .ai_socktype = SOCK_STREAM };
	int one = 1;

	int r = getaddrinfo(c->host, c->port, &hints, &a);
	if (r != 0)
		die("%s: %s", c->host, gai_strerror(r));
	c->fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, a->ai_addr, a->ai_addrlen) < 0)
		die("%s:%s: %s", c->host, c->port, strerror(errno));
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	freeaddrinfo(a);
}

static void
check_io(ssize_t n, const char *what)
{
	if (n == 0)
		die("the target closed the connection");
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		die("%s: %s", what, strerror(errno));
}

/* Until the socket takes no more. */
static void
send_all(struct ceiling *c)
{
	struct iovec iov[IOV_COUNT];
	struct msghdr msg = { .msg_iov = iov };

	while (tx_queued(c->tx) > 0) {
		msg.msg_iovlen = (size_t)tx_iov(c->tx, iov, IOV_COUNT);
		ssize_t n = sendmsg(c->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
		check_io(n, "send");
		if (n <= 0)
			return;
		tx_ack(c->tx, (size_t)n);
	}
}

/* False if there is nothing. A payload that is known to come is left where it
 * is: MSG_TRUNC says that it was received, and copies none of it. */
static bool
receive_some(struct ceiling *c)
{
	struct iovec iov[2];
	struct msghdr msg = { .msg_iov = iov };

	msg.msg_iovlen = (size_t)rx_iov(c->rx, iov);
	bool drop = msg.msg_iovlen == 2 && !c->setup;
	ssize_t n = drop ? recv(c->fd, iov[0].iov_base, iov[0].iov_len,
				MSG_DONTWAIT | MSG_TRUNC) :
			   recvmsg(c->fd, &msg, MSG_DONTWAIT);
	check_io(n, "receive");
	if (n <= 0)
		return false;
	if (rx_ack(c->rx, (size_t)n) < 0)
		die("%s", rx_error(c->rx)->text);
	return true;
}

static void
wait_and_receive(struct ceiling *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };

	if (tx_queued(c->tx) > 0)
		p.events |= POLLOUT;
	int n = poll(&p, 1, SILENCE_MS);
	if (n == 0)
		die("no answer in %d s", SILENCE_MS / 1000);
	if (p.revents & ~POLLOUT)
		receive_some(c);
}

void
step(struct ceiling *c)
{
	send_all(c);
	wait_and_receive(c);
}

/* ------------------------------------------------------------ commands -- */

void
queue(struct ceiling *c, struct pdu *pdu, const void *data, size_t len)
{
	pdu->exp_stat_sn = c->exp_stat_sn;
	if (tx_add(c->tx, pdu, NULL, data, len, NULL) < 0)
		die("out of memory");
}

static uint32_t
smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Data-Out PDUs for [offset, offset + len) of a task: RFC 7143 11.7. */
static void
send_data(struct ceiling *c, uint32_t tag, uint32_t ttt, uint32_t offset,
	  uint32_t len)
{
	for (uint32_t sn = 0; len > 0; sn++) {
		uint32_t n = smaller(len, c->max_send);
		struct pdu out = {
			.opcode = OP_DATA_OUT, .final = n == len,
			.lun = ttt == TAG_NONE ? 0 : c->lun,
			.initiator_task_tag = tag, .target_transfer_tag = ttt,
			.data_sn = sn, .buffer_offset = offset,
		};

		queue(c, &out, payload + offset, n);
		offset += n;
		len -= n;
	}
}

/* As much as may go without being asked for. */
static void
send_write(struct ceiling *c, struct pdu *cmd)
{
	uint32_t first = smaller(c->bs, c->first_burst);
	uint32_t now = c->immediate_data ? smaller(first, c->max_send) : 0;

	if (c->initial_r2t)		/* 13.10: immediate data only */
		first = now;
	cmd->final = first == now;
	queue(c, cmd, payload, now);
	send_data(c, cmd->initiator_task_tag, TAG_NONE, now, first - now);
}

static uint32_t
next_lba(struct ceiling *c)
{
	uint32_t n = c->bs / c->block_size, lba = c->next_lba;

	if (c->random) {
		c->random_state ^= c->random_state << 13;
		c->random_state ^= c->random_state >> 7;
		c->random_state ^= c->random_state << 17;
		return (uint32_t)(c->random_state % (c->blocks / n)) * n;
	}
	c->next_lba += n;
	if (c->next_lba + n > c->blocks)
		c->next_lba = 0;
	return lba;
}

static void
start_task(struct ceiling *c, uint32_t tag)
{
	struct task *t = &c->tasks[tag];
	struct pdu cmd = {
		.opcode = OP_SCSI_COMMAND, .final = true, .lun = c->lun,
		.read = !c->write, .write = c->write, .attr = ATTR_SIMPLE,
		.initiator_task_tag = tag, .cmd_sn = c->cmd_sn++,
		.expected_data_transfer_length = c->bs,
		.cdb = { c->write ? 0x2a : 0x28 },	/* WRITE(10), READ(10) */
	};

	t->busy = true;
	put32(cmd.cdb + 2, next_lba(c));
	put16(cmd.cdb + 7, (uint16_t)(c->bs / c->block_size));
	t->since_ns = now_ns();
	c->in_flight++;
	if (c->write)
		send_write(c, &cmd);
	else
		queue(c, &cmd, NULL, 0);
}

static void
end_task(struct ceiling *c, const struct pdu *pdu)
{
	struct task *t = &c->tasks[pdu->initiator_task_tag];

	if (pdu->status != SCSI_GOOD)
		die("status 0x%02x", pdu->status);
	if (c->ops == c->ops_max) {
		c->ops_max = c->ops_max ? 2 * c->ops_max : 1 << 20;
		c->latency_ns = realloc(c->latency_ns, c->ops_max *
					sizeof(*c->latency_ns));
		if (!c->latency_ns)
			die("out of memory");
	}
	uint64_t took = now_ns() - t->since_ns;
	c->latency_ns[c->ops++] = took < UINT32_MAX ? (uint32_t)took :
						      UINT32_MAX;
	t->busy = false;
	c->in_flight--;
}

/* As many as depth and window allow: RFC 7143 4.2.2.1. */
static void
fill(struct ceiling *c)
{
	for (uint32_t tag = 0; tag < c->depth && c->in_flight < c->depth; tag++)
		if (!c->tasks[tag].busy && !sn_before(c->max_cmd_sn, c->cmd_sn))
			start_task(c, tag);
}

/* -------------------------------------------------------- what comes in -- */

static int
on_header(void *user, const struct pdu *pdu, const struct ahs *ahs,
	  void **place)
{
	return 0;		/* the receiver's own scratch does */
}

static void
on_setup(struct ceiling *c, const struct pdu *pdu, const uint8_t *data)
{
	size_t len = pdu->data_segment_length;

	if (len >= sizeof(c->data))
		len = sizeof(c->data) - 1;
	if (len > 0) {
		memcpy(c->data, data, len);
		c->data[len] = '\0';
		c->data_len = len;
	}
	c->answer = *pdu;
	c->answered = pdu->opcode != OP_DATA_IN || pdu->has_status;
}

static void
on_ping(struct ceiling *c, const struct pdu *pdu)
{
	struct pdu pong = {
		.opcode = OP_NOP_OUT, .immediate = true, .final = true,
		.lun = pdu->lun, .initiator_task_tag = TAG_NONE,
		.target_transfer_tag = pdu->target_transfer_tag,
		.cmd_sn = c->cmd_sn,
	};

	if (pdu->target_transfer_tag != TAG_NONE)
		queue(c, &pong, NULL, 0);
}

static void
on_task(struct ceiling *c, const struct pdu *pdu)
{
	uint32_t tag = pdu->initiator_task_tag;

	if (tag >= c->depth || !c->tasks[tag].busy)
		die("%s for no task", pdu_name(pdu->opcode));
	if (pdu->opcode != OP_R2T) {
		if (pdu->opcode == OP_SCSI_RESPONSE || pdu->has_status)
			end_task(c, pdu);
		return;
	}
	if (pdu->buffer_offset > c->bs ||
	    pdu->desired_data_transfer_length > c->bs - pdu->buffer_offset)
		die("an R2T beyond the command");
	send_data(c, tag, pdu->target_transfer_tag, pdu->buffer_offset,
		  pdu->desired_data_transfer_length);
}

static int
on_pdu(void *user, const struct pdu *pdu, const uint8_t *data, bool digest_ok)
{
	struct ceiling *c = user;

	if (pdu->opcode == OP_LOGIN_RESPONSE ||
	    pdu->opcode == OP_SCSI_RESPONSE || pdu->has_status)
		c->exp_stat_sn = pdu->stat_sn + 1;
	if (sn_before(c->max_cmd_sn, pdu->max_cmd_sn))
		c->max_cmd_sn = pdu->max_cmd_sn;
	if (pdu->opcode == OP_NOP_IN)
		on_ping(c, pdu);
	else if (c->setup)
		on_setup(c, pdu, data);
	else if (pdu->opcode == OP_DATA_IN || pdu->opcode == OP_R2T ||
		 pdu->opcode == OP_SCSI_RESPONSE)
		on_task(c, pdu);
	else
		die("%s: not expected", pdu_name(pdu->opcode));
	return 0;
}

/* --------------------------------------------------------- measurement -- */

static double
cpu_seconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static int
by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void
report(struct ceiling *c, double seconds, double cpu)
{
	double sum = 0;

	if (c->ops == 0)
		die("not one operation ended");
	for (size_t i = 0; i < c->ops; i++)
		sum += c->latency_ns[i];
	qsort(c->latency_ns, c->ops, sizeof(*c->latency_ns), by_value);
	printf("{\"bytes\": %llu, \"ops\": %zu, \"seconds\": %.6f, "
	       "\"mean_us\": %.3f, \"p99_us\": %.3f, \"cpu_s\": %.6f}\n",
	       (unsigned long long)c->ops * c->bs, c->ops, seconds,
	       sum / (double)c->ops / 1e3,
	       c->latency_ns[(c->ops - 1) * 99 / 100] / 1e3, cpu);
}

static void
measure(struct ceiling *c)
{
	uint64_t start = now_ns(), end = start + (uint64_t)(c->seconds * 1e9);
	double cpu = cpu_seconds();

	while (c->in_flight > 0 || now_ns() < end) {
		if (now_ns() < end)
			fill(c);
		step(c);
	}
	double seconds = (double)(now_ns() - start) / 1e9;
	report(c, seconds, cpu_seconds() - cpu);
}

static const char usage[] =
"usage: ceiling [--rw read|write|randread|randwrite] [--bs BYTES] [--depth N]\n"
"               [--seconds S] [--header-digest] [--data-digest]\n"
"               HOST PORT TARGET LUN\n";

static const struct option options[] = {
	{ "rw", required_argument, NULL, 'w' },
	{ "bs", required_argument, NULL, 'b' },
	{ "depth", required_argument, NULL, 'd' },
	{ "seconds", required_argument, NULL, 's' },
	{ "header-digest", no_argument, NULL, 'H' },
	{ "data-digest", no_argument, NULL, 'D' },
	{ 0 },
};

static void
parse(struct ceiling *c, int argc, char **argv)
{
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case 'w':
			c->write = strstr(optarg, "write") != NULL;
			c->random = strncmp(optarg, "rand", 4) == 0;
			break;
		case 'b':
			c->bs = (uint32_t)strtoul(optarg, NULL, 0);
			break;
		case 'd':
			c->depth = (uint32_t)strtoul(optarg, NULL, 0);
			break;
		case 's':
			c->seconds = strtod(optarg, NULL);
			break;
		case 'H':
			c->header_digest = true;
			break;
		case 'D':
			c->data_digest = true;
			break;
		default:
			fputs(usage, stderr);
			exit(2);
		}
	}
	if (argc - optind != 4 || c->bs == 0 || c->bs > BS_MAX ||
	    c->depth == 0 || c->depth > DEPTH_MAX) {
		fputs(usage, stderr);
		exit(2);
	}
	c->host = argv[optind];
	c->port = argv[optind + 1];
	c->target = argv[optind + 2];
	if (lun_parse(&c->lun, argv[optind + 3], &c->err) < 0)
		die("%s", c->err.text);
}

static const struct rx_ops ops = { on_header, on_pdu };

int
main(int argc, char **argv)
{
	static struct ceiling c = {
		.bs = 4096, .depth = 1, .seconds = 5, .cmd_sn = 1,
		.setup = true, .random_state = 0x9e3779b97f4a7c15,
		/* RFC 7143 13: what holds if the target says nothing */
		.initial_r2t = true, .immediate_data = true,
		.first_burst = 65536, .max_send = 8192,
	};

	parse(&c, argc, argv);
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 31 + (i >> 8));
	if (rx_new(&c.rx, &ops, &c, MAX_DATA, &c.err) < 0 ||
	    tx_new(&c.tx, &c.err) < 0)
		die("%s", c.err.text);
	open_socket(&c);
	login(&c);
	read_capacity(&c);
	c.setup = false;
	measure(&c);

	free(c.latency_ns);
	tx_free(c.tx);
	rx_free(c.rx);
	close(c.fd);
	return 0;
}
