// What both versions of libgpiod have in common.
#pragma once
#include "CGPIO.h"

#include <errno.h>
#include <string.h>

static inline int failure(void) { return errno > 0 ? -errno : -EIO; }

static inline void copy(char *to, const char *from) {
  memset(to, 0, CGPIO_NAME);
  if (from) strncpy(to, from, CGPIO_NAME - 1);
}
