#include "CLinuxVideo.h"

#include <errno.h>
#include <sys/ioctl.h>

int clinux_ioctl(int descriptor, unsigned long request, void *argument) {
  int result;
  do result = ioctl(descriptor, request, argument);
  while (result < 0 && errno == EINTR);
  return result < 0 ? -errno : result;
}
