/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libfuse's header, with the version that we are written for. */
#ifndef FUSE_FUSE_H
#define FUSE_FUSE_H

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>

#endif
