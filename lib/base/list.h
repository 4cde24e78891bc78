/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An intrusive circular list. A head and an unlinked node point at themselves,
 * so list_del() is always legal and a node knows whether it is on a list.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *prev, *next;
};

#define LIST_INIT(l) { &(l), &(l) }

static inline void
list_init(struct list *l)
{
	l->prev = l->next = l;
}

static inline bool
list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void
list_add_before(struct list *pos, struct list *n)
{
	n->prev = pos->prev;
	n->next = pos;
	pos->prev->next = n;
	pos->prev = n;
}

/* At the end: a queue takes from the front with list_first(). */
static inline void
list_append(struct list *head, struct list *n)
{
	list_add_before(head, n);
}

static inline void
list_prepend(struct list *head, struct list *n)
{
	list_add_before(head->next, n);
}

static inline void
list_del(struct list *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	list_init(n);
}

/* All of from goes to the end of to; from is empty then. */
static inline void
list_splice(struct list *to, struct list *from)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

#define container_of(ptr, type, member)                                       \
	((type *)(void *)((char *)(ptr) - offsetof(type, member)))

#define list_first(head, type, member)                                        \
	(list_empty(head) ? NULL : container_of((head)->next, type, member))

/* The loop may delete the current element. */
#define list_for_each(e, head, type, member)                                  \
	for (struct list *e##_l = (head)->next, *e##_n = e##_l->next;         \
	     e##_l != (head) &&                                               \
	     ((e) = container_of(e##_l, type, member), 1);                    \
	     e##_l = e##_n, e##_n = e##_l->next)

#endif
