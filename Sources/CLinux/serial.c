#include "CLinuxSerial.h"

#include <asm/termbits.h>
#include <errno.h>
#include <sys/ioctl.h>

// asm/ioctls.h gives these; sys/ioctl.h includes it.
int clinux_serial_configure(int fd, uint32_t baud, int data_bits, int parity, int stop_bits, int flow) {
  struct termios2 settings;
  if (ioctl(fd, TCGETS2, &settings) < 0) return -errno;
  // Nobody else may read half of a line, nor open the port for another purpose.
  if (ioctl(fd, TIOCEXCL) < 0) return -errno;
  settings.c_iflag = flow == CLINUX_FLOW_SOFTWARE ? IXON | IXOFF : 0;
  if (parity != CLINUX_PARITY_NONE) settings.c_iflag |= INPCK;
  settings.c_oflag = 0;
  settings.c_lflag = 0;
  static const tcflag_t sizes[] = {CS5, CS6, CS7, CS8};
  settings.c_cflag = CREAD | CLOCAL | BOTHER | sizes[data_bits < 5 ? 0 : data_bits > 8 ? 3 : data_bits - 5];
  if (parity != CLINUX_PARITY_NONE) settings.c_cflag |= PARENB;
  if (parity == CLINUX_PARITY_ODD) settings.c_cflag |= PARODD;
  if (stop_bits == 2) settings.c_cflag |= CSTOPB;
  if (flow == CLINUX_FLOW_HARDWARE) settings.c_cflag |= CRTSCTS;
  settings.c_ispeed = baud;
  settings.c_ospeed = baud;
  settings.c_cc[VMIN] = 1;
  settings.c_cc[VTIME] = 0;
  if (ioctl(fd, TCSETS2, &settings) < 0) return -errno;
  // Bytes of another rate are none.
  if (ioctl(fd, TCFLSH, TCIFLUSH) < 0) return -errno;
  if (ioctl(fd, TCGETS2, &settings) < 0) return -errno;
  return settings.c_ospeed > 0x7fffffff ? 0 : (int)settings.c_ospeed;
}
