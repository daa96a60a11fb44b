// feed DEVICE FOURCC WIDTH HEIGHT FILE...: a camera of v4l2loopback: one file after another is a picture, over and over, five
// times a second, until it is killed. Its format lasts as long as the descriptor, so that one program must set and feed it.
// The driver writes into buffers it lent out when their turn comes again, so a burst would spoil them; and counts them anew
// when somebody reserves some: after the first picture, without which there is no camera, it waits for /tmp/watched.
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static char picture[1 << 20];

int main(int count, char **arguments) {
  if (count < 6 || strlen(arguments[2]) != 4) return 2;
  int device = open(arguments[1], O_RDWR);
  struct v4l2_format format = {.type = V4L2_BUF_TYPE_VIDEO_OUTPUT};
  const char *code = arguments[2];
  format.fmt.pix.width = atoi(arguments[3]);
  format.fmt.pix.height = atoi(arguments[4]);
  format.fmt.pix.pixelformat = v4l2_fourcc(code[0], code[1], code[2], code[3]);
  format.fmt.pix.sizeimage = sizeof picture;
  format.fmt.pix.field = V4L2_FIELD_NONE;
  if (device < 0 || ioctl(device, VIDIOC_S_FMT, &format) != 0) return perror("feed"), 1;
  for (int number = 0;; number = (number + 1) % (count - 5)) {
    int file = open(arguments[5 + number], O_RDONLY);
    ssize_t size = read(file, picture, sizeof picture);
    if (size <= 0 || write(device, picture, size) != size) return perror("feed"), 1;
    close(file);
    while (access("/tmp/watched", F_OK) != 0) usleep(10000);
    usleep(200000);
  }
}
