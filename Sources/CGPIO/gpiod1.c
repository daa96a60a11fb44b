// libgpiod 1.x (Debian 12): a descriptor for each line, joined by an epoll instance.
#include <gpiod.h>
#if defined(GPIOD_LINE_BULK_MAX_LINES)
#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

// What a kernel queue of 1.x holds.
#define QUEUE 16

struct cgpio_request {
  int epoll;
  int count;
  struct gpiod_line *lines[CGPIO_MOST_LINES];
};

int cgpio_is_numbered(void) { return 0; }
const char *cgpio_library_version(void) { return gpiod_version_string(); }

int cgpio_chip_open(const char *path, cgpio_chip **chip) {
  errno = 0;
  struct gpiod_chip *opened = gpiod_chip_open(path);
  if (!opened) return failure();
  *chip = (cgpio_chip *)opened;
  return 0;
}

void cgpio_chip_close(cgpio_chip *chip) { gpiod_chip_close((struct gpiod_chip *)chip); }

int cgpio_chip_describe(cgpio_chip *chip, cgpio_chip_info *info) {
  struct gpiod_chip *opened = (struct gpiod_chip *)chip;
  copy(info->name, gpiod_chip_name(opened));
  copy(info->label, gpiod_chip_label(opened));
  info->line_count = gpiod_chip_num_lines(opened);
  return 0;
}

int cgpio_line_describe(cgpio_chip *chip, uint32_t offset, cgpio_line_info *info) {
  errno = 0;
  struct gpiod_line *line = gpiod_chip_get_line((struct gpiod_chip *)chip, offset);
  if (!line) return failure();
  copy(info->name, gpiod_line_name(line));
  copy(info->consumer, gpiod_line_consumer(line));
  info->is_used = gpiod_line_is_used(line);
  info->is_output = gpiod_line_direction(line) == GPIOD_LINE_DIRECTION_OUTPUT;
  return 0;
}

static int flags(const cgpio_settings *settings) {
  int flags = settings->is_active_low ? GPIOD_LINE_REQUEST_FLAG_ACTIVE_LOW : 0;
  switch (settings->bias) {
  case CGPIO_BIAS_DISABLED: return flags | GPIOD_LINE_REQUEST_FLAG_BIAS_DISABLE;
  case CGPIO_BIAS_PULL_UP: return flags | GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_UP;
  case CGPIO_BIAS_PULL_DOWN: return flags | GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_DOWN;
  default: return flags;
  }
}

static int add(cgpio_request *request, struct gpiod_line *line, const cgpio_settings *settings) {
  struct gpiod_line_request_config config = {
      .consumer = "stt-agent",
      .request_type = settings->edges == CGPIO_RISING    ? GPIOD_LINE_REQUEST_EVENT_RISING_EDGE
                      : settings->edges == CGPIO_FALLING ? GPIOD_LINE_REQUEST_EVENT_FALLING_EDGE
                                                         : GPIOD_LINE_REQUEST_EVENT_BOTH_EDGES,
      .flags = flags(settings)};
  errno = 0;
  if (gpiod_line_request(line, &config, 0) < 0) return failure();
  int index = request->count;
  request->lines[request->count++] = line;
  int fd = gpiod_line_event_get_fd(line);
  if (fd < 0) return failure();
  int mode = fcntl(fd, F_GETFL);
  if (mode < 0 || fcntl(fd, F_SETFL, mode | O_NONBLOCK) < 0) return failure();
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)index};
  return epoll_ctl(request->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? failure() : 0;
}

int cgpio_request_open(cgpio_chip *chip, const uint32_t *offsets, int count, const cgpio_settings *settings,
                       cgpio_request **result) {
  if (count < 1 || count > CGPIO_MOST_LINES) return -EINVAL;
  cgpio_request *request = calloc(1, sizeof *request);
  if (!request) return -ENOMEM;
  request->epoll = epoll_create1(EPOLL_CLOEXEC);
  int error = request->epoll < 0 ? failure() : 0;
  for (int index = 0; index < count && !error; index++) {
    errno = 0;
    struct gpiod_line *line = gpiod_chip_get_line((struct gpiod_chip *)chip, offsets[index]);
    error = line ? add(request, line, settings) : failure();
  }
  if (error) {
    cgpio_request_close(request);
    return error;
  }
  *result = request;
  return 0;
}

void cgpio_request_close(cgpio_request *request) {
  for (int index = 0; index < request->count; index++) gpiod_line_release(request->lines[index]);
  if (request->epoll >= 0) close(request->epoll);
  free(request);
}

int cgpio_request_descriptor(const cgpio_request *request) { return request->epoll; }

int cgpio_request_levels(cgpio_request *request, uint8_t *levels) {
  for (int index = 0; index < request->count; index++) {
    errno = 0;
    int value = gpiod_line_get_value(request->lines[index]);
    if (value < 0) return failure();
    levels[index] = value != 0;
  }
  return 0;
}

int cgpio_request_read(cgpio_request *request, cgpio_edge *edges, int capacity) {
  struct epoll_event ready;
  int found;
  do found = epoll_wait(request->epoll, &ready, 1, 0);
  while (found < 0 && errno == EINTR);
  if (found <= 0) return found < 0 ? failure() : 0;
  uint32_t line = ready.data.u32;
  if (line >= (uint32_t)request->count) return -EIO;
  struct gpiod_line_event events[QUEUE];
  errno = 0;
  int count = gpiod_line_event_read_fd_multiple(gpiod_line_event_get_fd(request->lines[line]), events,
                                                capacity < QUEUE ? capacity : QUEUE);
  if (count < 0 && errno == EAGAIN) return 0;
  // Ready and nothing to read: the chip is gone.
  if (count <= 0) return count < 0 ? failure() : -ENODEV;
  for (int index = 0; index < count; index++) {
    edges[index].timestamp_ns = (uint64_t)events[index].ts.tv_sec * 1000000000u + (uint64_t)events[index].ts.tv_nsec;
    edges[index].sequence = 0;
    edges[index].line = line;
    edges[index].is_rising = events[index].event_type == GPIOD_LINE_EVENT_RISING_EDGE;
  }
  return count;
}
#endif
