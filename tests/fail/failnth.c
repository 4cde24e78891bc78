/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes the n-th allocation or system call of lunfs fail (LD_PRELOAD). It sits
 * between the program and the C library, so it sees the calls of all
 * libraries, except those that the C library makes to itself.
 *
 *	FAILNTH=KIND:N		the N-th call of a kind fails, once
 *	FAILNTH=KIND:N+		it and all that follow fail
 *	FAILNTH_AFTER=PATH	calls count from when this file is there
 *	FAILNTH_REPORT=PATH	lines are appended to this file:
 *				"hit N CALL: ERROR" and a backtrace; then
 *				"calls N" at exit, or "crash SIGNAL" and a
 *				backtrace
 *
 * A KIND is "alloc"; "crypto": the allocations of libcrypto, which makes
 * thousands while it initializes itself; "sys0", "sys1"...: all system calls,
 * each with the error in that column of the table; "fd": those that make file
 * descriptors, which have run out; or CALL/COLUMN. "nofile": no call fails, but
 * the program has N file descriptors only.
 *
 * Only what the kernel could answer: see the conditions in the wrappers. The
 * program is recognised by its name; a child of fork() counts on, by itself.
 */
#undef _FILE_OFFSET_BITS	/* it would rename what is defined here */
#undef _FORTIFY_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHOWN __attribute__((visibility("default")))

enum { COLUMNS = 3, DEPTH = 40, REPORT_FD = 200 };

static const int crashes[] = { SIGABRT, SIGSEGV, SIGBUS, SIGFPE };

struct call {
	const char *name;
	int errors[COLUMNS];
};

static struct {
	bool active, forever, triggered;
	char call[32];			/* the kind; empty: "sys" */
	unsigned column;
	unsigned long n;
	const char *after;
	int report;
	atomic_ulong count;
} cfg = { .report = -1 };

static const struct call alloc = { "alloc", { ENOMEM } };
static const struct call crypto = { "crypto", { ENOMEM } };

static uintptr_t crypto_begin, crypto_end;	/* where libcrypto is */

static __thread bool inside;		/* our own calls count for nothing */

/* -------------------------------------------------------- what fails -- */

static bool
is_of_kind(const struct call *c)
{
	if (c == &alloc || c == &crypto)
		return strcmp(cfg.call, c->name) == 0;
	if (c->errors[cfg.column] == 0)
		return false;
	if (strcmp(cfg.call, "fd") == 0)
		return c->errors[0] == EMFILE;
	return !*cfg.call || strcmp(cfg.call, c->name) == 0;
}

static void
report_stack(void)
{
	void *frames[DEPTH];

	backtrace_symbols_fd(frames, backtrace(frames, DEPTH), cfg.report);
}

static void
crashed(int number)
{
	inside = true;
	dprintf(cfg.report, "crash %d\n", number);
	report_stack();
	raise(number);			/* SA_RESETHAND: this one ends it */
}

/* A crash that is blocked (lookup threads block all signals) has no handler. */
static void
unblock_crashes(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
		sigaddset(&set, crashes[i]);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void
report_hit(const struct call *c, unsigned long n)
{
	if (n > cfg.n)
		return;			/* the first one tells enough */
	dprintf(cfg.report, "hit %lu %s: %s\n", n, c->name,
		strerrorname_np(c->errors[cfg.column]));
	report_stack();
	unblock_crashes();
}

static bool
fails(const struct call *c)
{
	if (!cfg.active || inside || !is_of_kind(c))
		return false;
	if (!cfg.triggered &&
	    syscall(SYS_access, cfg.after, F_OK) < 0)
		return false;
	cfg.triggered = true;

	unsigned long n = atomic_fetch_add(&cfg.count, 1) + 1;

	if (n < cfg.n || (n > cfg.n && !cfg.forever))
		return false;
	inside = true;
	report_hit(c, n);
	inside = false;
	errno = c->errors[cfg.column];
	return true;
}

/* As a resource limit: fusermount3, for one, has no more than we have. */
static void
limit_descriptors(void)
{
	struct rlimit limit = { .rlim_cur = cfg.n, .rlim_max = cfg.n };

	setrlimit(RLIMIT_NOFILE, &limit);
	dprintf(cfg.report, "hit %lu nofile\n", cfg.n);
}

static void
catch_crashes(void)
{
	struct sigaction sa = {
		.sa_handler = crashed,
		.sa_flags = SA_RESETHAND | SA_NODEFER,
	};

	for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
		sigaction(crashes[i], &sa, NULL);
}

static int
find_crypto(struct dl_phdr_info *info, size_t size, void *unused)
{
	if (!strstr(info->dlpi_name, "/libcrypto.so"))
		return 0;
	crypto_begin = info->dlpi_addr;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t end = info->dlpi_addr + p->p_vaddr + p->p_memsz;

		if (p->p_type == PT_LOAD && end > crypto_end)
			crypto_end = end;
	}
	return 1;
}

__attribute__((constructor)) static void
begin(void)
{
	const char *what = getenv("FAILNTH"), *report = getenv("FAILNTH_REPORT");
	const char *colon = what ? strchr(what, ':') : NULL;
	void *frames[1];
	char *end;

	if (!colon || !report ||
	    strcmp(program_invocation_short_name, "lunfs") != 0)
		return;

	int fd = open(report, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	cfg.report = fcntl(fd, F_DUPFD_CLOEXEC, REPORT_FD);
	close(fd);
	snprintf(cfg.call, sizeof(cfg.call), "%.*s", (int)(colon - what), what);
	if (strncmp(cfg.call, "sys", 3) == 0) {
		cfg.column = (unsigned)cfg.call[3] - '0';
		cfg.call[0] = '\0';
	} else if ((end = strchr(cfg.call, '/'))) {
		cfg.column = (unsigned)end[1] - '0';
		*end = '\0';
	}
	cfg.n = strtoul(colon + 1, &end, 10);
	cfg.forever = *end == '+';
	cfg.after = getenv("FAILNTH_AFTER");
	cfg.triggered = !cfg.after;
	backtrace(frames, 1);		/* loads its library now */
	catch_crashes();
	dl_iterate_phdr(find_crypto, NULL);
	if (strcmp(cfg.call, "nofile") == 0)
		limit_descriptors();
	cfg.active = cfg.report >= 0 && cfg.column < COLUMNS;
}

__attribute__((destructor)) static void
finish(void)
{
	if (!cfg.active)
		return;
	cfg.active = false;
	dprintf(cfg.report, "calls %lu\n", atomic_load(&cfg.count));
}

static void *
real(const char *name)
{
	void *f = dlsym(RTLD_NEXT, name);

	if (!f)
		abort();
	return f;
}

/* -------------------------------------------------------- allocation -- */

/* strdup(), realpath(), asprintf(), reallocarray()... call these */

/* Who has called the function that this stands in? */
#define NO_MEMORY()							\
	fails((uintptr_t)__builtin_return_address(0) - crypto_begin <	\
	      crypto_end - crypto_begin ? &crypto : &alloc)

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

SHOWN void *
malloc(size_t size)
{
	return NO_MEMORY() ? NULL : __libc_malloc(size);
}

SHOWN void *
calloc(size_t n, size_t size)
{
	return NO_MEMORY() ? NULL : __libc_calloc(n, size);
}

SHOWN void *
realloc(void *p, size_t size)
{
	return NO_MEMORY() ? NULL : __libc_realloc(p, size);
}

SHOWN void *
aligned_alloc(size_t alignment, size_t size)
{
	return NO_MEMORY() ? NULL : __libc_memalign(alignment, size);
}

SHOWN int
posix_memalign(void **out, size_t alignment, size_t size)
{
	void *p = NO_MEMORY() ? NULL : __libc_memalign(alignment, size);

	if (!p)
		return ENOMEM;
	*out = p;
	return 0;
}

/* ------------------------------------------------------ system calls -- */

#define UNPACK(...) __VA_ARGS__

/* CALL(type, name, (parameters), (arguments), when, errors...) */
#define CALL(type, name, params, args, when, ...)			\
	SHOWN type							\
	name(UNPACK params)						\
	{								\
		static const struct call c = { #name, { __VA_ARGS__ } };\
		static type (*next)(UNPACK params);			\
									\
		if ((when) && fails(&c))				\
			return (type)-1;				\
		if (!next)						\
			next = (type (*)(UNPACK params))real(#name);	\
		return next(UNPACK args);				\
	}

/* The same for those with one more argument, sometimes. */
#define CALL_MORE(name, params, last, args, ...)			\
	SHOWN int							\
	name(UNPACK params, ...)					\
	{								\
		static const struct call c = { #name, { __VA_ARGS__ } };\
		static int (*next)(UNPACK params, ...);			\
		va_list ap;						\
									\
		va_start(ap, last);					\
		void *more = va_arg(ap, void *);			\
		va_end(ap);						\
		if (fails(&c))						\
			return -1;					\
		if (!next)						\
			next = (int (*)(UNPACK params, ...))real(#name);\
		return next(UNPACK args, more);				\
	}

CALL_MORE(open, (const char *path, int flags), flags, (path, flags),
	  EMFILE, EACCES, EINTR)
CALL_MORE(open64, (const char *path, int flags), flags, (path, flags),
	  EMFILE, EACCES, EINTR)
CALL_MORE(openat, (int fd, const char *path, int flags), flags,
	  (fd, path, flags), EMFILE, EACCES, EINTR)
CALL_MORE(openat64, (int fd, const char *path, int flags), flags,
	  (fd, path, flags), EMFILE, EACCES, EINTR)
CALL_MORE(fcntl, (int fd, int cmd), cmd, (fd, cmd), ENOLCK, EAGAIN)
CALL_MORE(fcntl64, (int fd, int cmd), cmd, (fd, cmd), ENOLCK, EAGAIN)

CALL(int, socket, (int family, int kind, int protocol),
     (family, kind, protocol), true, EMFILE, ENOBUFS, EAFNOSUPPORT)
CALL(int, socketpair, (int family, int kind, int protocol, int fds[2]),
     (family, kind, protocol, fds), true, EMFILE, ENOBUFS)
CALL(int, connect, (int fd, const struct sockaddr *sa, socklen_t len),
     (fd, sa, len), true, ECONNREFUSED, EADDRNOTAVAIL, ENETUNREACH)
CALL(int, getsockname, (int fd, struct sockaddr *sa, socklen_t *len),
     (fd, sa, len), true, ENOBUFS)
CALL(int, getpeername, (int fd, struct sockaddr *sa, socklen_t *len),
     (fd, sa, len), true, ENOTCONN, ENOBUFS)
CALL(int, getsockopt, (int fd, int level, int name, void *value,
		       socklen_t *len),
     (fd, level, name, value, len), true, ENOBUFS)
CALL(int, setsockopt, (int fd, int level, int name, const void *value,
		       socklen_t len),
     (fd, level, name, value, len), true, ENOBUFS, EINVAL)
CALL(ssize_t, sendmsg, (int fd, const struct msghdr *msg, int flags),
     (fd, msg, flags), true, EAGAIN, ENOBUFS, EPIPE)
CALL(ssize_t, recvmsg, (int fd, struct msghdr *msg, int flags),
     (fd, msg, flags), true, EINTR, ENOMEM, ECONNRESET)
CALL(ssize_t, readv, (int fd, const struct iovec *iov, int n), (fd, iov, n),
     true, EINTR, EIO, ECONNRESET)
CALL(ssize_t, read, (int fd, void *buf, size_t len), (fd, buf, len), true,
     EINTR, EIO, ENOMEM)
/* an eventfd takes what it is told */
CALL(ssize_t, write, (int fd, const void *buf, size_t len), (fd, buf, len),
     len != sizeof(uint64_t), EINTR, EIO, ENOSPC)
CALL(int, epoll_create1, (int flags), (flags), true, EMFILE, ENOMEM)
/* a change needs no memory */
CALL(int, epoll_ctl, (int fd, int op, int of, struct epoll_event *ev),
     (fd, op, of, ev), op == EPOLL_CTL_ADD, ENOMEM, ENOSPC)
CALL(int, epoll_wait, (int fd, struct epoll_event *ev, int n, int ms),
     (fd, ev, n, ms), true, EINTR)
CALL(int, eventfd, (unsigned n, int flags), (n, flags), true, EMFILE, ENOMEM)
CALL(int, signalfd, (int fd, const sigset_t *set, int flags),
     (fd, set, flags), true, EMFILE, ENOMEM)
CALL(int, pipe, (int fds[2]), (fds), true, EMFILE, ENFILE)
CALL(int, pipe2, (int fds[2], int flags), (fds, flags), true, EMFILE, ENFILE)
CALL(int, dup2, (int fd, int to), (fd, to), true, EBUSY, EINTR)
CALL(pid_t, fork, (void), (), true, EAGAIN, ENOMEM)
CALL(pid_t, waitpid, (pid_t pid, int *status, int options),
     (pid, status, options), true, EINTR)
CALL(pid_t, setsid, (void), (), true, EPERM)
CALL(int, chdir, (const char *path), (path), true, EACCES, EIO)
/* memory has been there since the kernel had 256 bytes of entropy */
CALL(ssize_t, getrandom, (void *buf, size_t len, unsigned flags),
     (buf, len, flags), true, EINTR)
CALL(void *, mmap, (void *at, size_t len, int prot, int flags, int fd,
		    off_t offset),
     (at, len, prot, flags, fd, offset), true, ENOMEM, EAGAIN)
CALL(void *, mmap64, (void *at, size_t len, int prot, int flags, int fd,
		      off64_t offset),
     (at, len, prot, flags, fd, offset), true, ENOMEM, EAGAIN)
CALL(int, madvise, (void *at, size_t len, int advice), (at, len, advice),
     true, EAGAIN, ENOMEM)
CALL(int, stat64, (const char *path, struct stat64 *st), (path, st), true,
     ENOMEM, EIO)
CALL(int, fstat64, (int fd, struct stat64 *st), (fd, st), true, ENOMEM, EIO)
CALL(int, mount, (const char *what, const char *where, const char *type,
		  unsigned long flags, const void *data),
     (what, where, type, flags, data), true, ENOMEM, EPERM)
CALL(int, umount2, (const char *where, int flags), (where, flags), true,
     ENOMEM, EPERM)

/* A reply that the kernel cannot copy ends its request, with EIO. */
static void
fail_fuse_request(int fd, const struct iovec *iov, int n)
{
	struct { uint32_t len; int32_t error; uint64_t unique; } header;
	size_t total = 0;

	for (int i = 0; i < n; i++)
		total += iov[i].iov_len;
	if (n == 0 || iov->iov_len != sizeof(header))
		return;
	memcpy(&header, iov->iov_base, sizeof(header));
	if (header.len != total)
		return;
	header.len = sizeof(header);
	header.error = -EIO;
	syscall(SYS_write, fd, &header, sizeof(header));
}

SHOWN ssize_t
writev(int fd, const struct iovec *iov, int n)
{
	static const struct call c = { "writev", { ENOMEM } };
	static ssize_t (*next)(int, const struct iovec *, int);

	if (fails(&c)) {
		fail_fuse_request(fd, iov, n);
		errno = c.errors[0];
		return -1;
	}
	if (!next)
		next = (ssize_t (*)(int, const struct iovec *, int))
			real("writev");
	return next(fd, iov, n);
}

/* These return the error. */
SHOWN int
pthread_create(pthread_t *thread, const pthread_attr_t *attr,
	       void *(*start)(void *), void *arg)
{
	static const struct call c = { "pthread_create", { EAGAIN } };
	static int (*next)(pthread_t *, const pthread_attr_t *,
			   void *(*)(void *), void *);

	if (fails(&c))
		return errno;
	if (!next)
		next = (int (*)(pthread_t *, const pthread_attr_t *,
				void *(*)(void *), void *))
			real("pthread_create");
	return next(thread, attr, start, arg);
}

SHOWN int
getaddrinfo(const char *host, const char *service,
	    const struct addrinfo *hints, struct addrinfo **out)
{
	static const struct call c = { "getaddrinfo", { ENOMEM, EIO } };
	static int (*next)(const char *, const char *, const struct addrinfo *,
			   struct addrinfo **);

	if (fails(&c))
		return errno == ENOMEM ? EAI_MEMORY : EAI_SYSTEM;
	if (!next)
		next = (int (*)(const char *, const char *,
				const struct addrinfo *, struct addrinfo **))
			real("getaddrinfo");
	return next(host, service, hints, out);
}
