// libgpiod 2.x (Debian 13): one descriptor for all lines; the kernel numbers edges and debounces.
#include <gpiod.h>
#if !defined(GPIOD_LINE_BULK_MAX_LINES)
#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

struct cgpio_request {
  struct gpiod_line_request *lines;
  struct gpiod_edge_event_buffer *edges;
  int count;
  uint32_t offsets[CGPIO_MOST_LINES];
};

int cgpio_is_numbered(void) { return 1; }
const char *cgpio_library_version(void) { return gpiod_api_version(); }

int cgpio_chip_open(const char *path, cgpio_chip **chip) {
  errno = 0;
  struct gpiod_chip *opened = gpiod_chip_open(path);
  if (!opened) return failure();
  *chip = (cgpio_chip *)opened;
  return 0;
}

void cgpio_chip_close(cgpio_chip *chip) { gpiod_chip_close((struct gpiod_chip *)chip); }

int cgpio_chip_describe(cgpio_chip *chip, cgpio_chip_info *info) {
  errno = 0;
  struct gpiod_chip_info *found = gpiod_chip_get_info((struct gpiod_chip *)chip);
  if (!found) return failure();
  copy(info->name, gpiod_chip_info_get_name(found));
  copy(info->label, gpiod_chip_info_get_label(found));
  info->line_count = (uint32_t)gpiod_chip_info_get_num_lines(found);
  gpiod_chip_info_free(found);
  return 0;
}

int cgpio_line_describe(cgpio_chip *chip, uint32_t offset, cgpio_line_info *info) {
  errno = 0;
  struct gpiod_line_info *found = gpiod_chip_get_line_info((struct gpiod_chip *)chip, offset);
  if (!found) return failure();
  copy(info->name, gpiod_line_info_get_name(found));
  copy(info->consumer, gpiod_line_info_get_consumer(found));
  info->is_used = gpiod_line_info_is_used(found);
  info->is_output = gpiod_line_info_get_direction(found) == GPIOD_LINE_DIRECTION_OUTPUT;
  gpiod_line_info_free(found);
  return 0;
}

static enum gpiod_line_bias bias(uint32_t bias) {
  switch (bias) {
  case CGPIO_BIAS_DISABLED: return GPIOD_LINE_BIAS_DISABLED;
  case CGPIO_BIAS_PULL_UP: return GPIOD_LINE_BIAS_PULL_UP;
  case CGPIO_BIAS_PULL_DOWN: return GPIOD_LINE_BIAS_PULL_DOWN;
  default: return GPIOD_LINE_BIAS_AS_IS;
  }
}

static int apply(struct gpiod_line_settings *to, const cgpio_settings *settings) {
  enum gpiod_line_edge edge = settings->edges == CGPIO_RISING    ? GPIOD_LINE_EDGE_RISING
                              : settings->edges == CGPIO_FALLING ? GPIOD_LINE_EDGE_FALLING
                                                                 : GPIOD_LINE_EDGE_BOTH;
  gpiod_line_settings_set_active_low(to, settings->is_active_low);
  gpiod_line_settings_set_debounce_period_us(to, settings->debounce_us);
  if (gpiod_line_settings_set_direction(to, GPIOD_LINE_DIRECTION_INPUT) < 0 ||
      gpiod_line_settings_set_edge_detection(to, edge) < 0 ||
      gpiod_line_settings_set_bias(to, bias(settings->bias)) < 0 ||
      gpiod_line_settings_set_event_clock(
          to, settings->is_realtime ? GPIOD_LINE_CLOCK_REALTIME : GPIOD_LINE_CLOCK_MONOTONIC) < 0)
    return failure();
  return 0;
}

static int open_lines(cgpio_request *request, struct gpiod_chip *chip, const cgpio_settings *settings) {
  struct gpiod_line_settings *line = gpiod_line_settings_new();
  struct gpiod_line_config *lines = gpiod_line_config_new();
  struct gpiod_request_config *config = gpiod_request_config_new();
  request->edges = gpiod_edge_event_buffer_new(CGPIO_MOST_EDGES);
  int error = line && lines && config && request->edges ? apply(line, settings) : -ENOMEM;
  if (!error) {
    gpiod_request_config_set_consumer(config, "stt-agent");
    gpiod_request_config_set_event_buffer_size(config, (size_t)settings->queue * (size_t)request->count);
    errno = 0;
    if (gpiod_line_config_add_line_settings(lines, request->offsets, (size_t)request->count, line) < 0 ||
        !(request->lines = gpiod_chip_request_lines(chip, config, lines)))
      error = failure();
  }
  gpiod_request_config_free(config);
  gpiod_line_config_free(lines);
  gpiod_line_settings_free(line);
  if (error) return error;
  int fd = gpiod_line_request_get_fd(request->lines);
  int mode = fcntl(fd, F_GETFL);
  return mode < 0 || fcntl(fd, F_SETFL, mode | O_NONBLOCK) < 0 ? failure() : 0;
}

int cgpio_request_open(cgpio_chip *chip, const uint32_t *offsets, int count, const cgpio_settings *settings,
                       cgpio_request **result) {
  if (count < 1 || count > CGPIO_MOST_LINES) return -EINVAL;
  cgpio_request *request = calloc(1, sizeof *request);
  if (!request) return -ENOMEM;
  request->count = count;
  memcpy(request->offsets, offsets, (size_t)count * sizeof *offsets);
  int error = open_lines(request, (struct gpiod_chip *)chip, settings);
  if (error) {
    cgpio_request_close(request);
    return error;
  }
  *result = request;
  return 0;
}

void cgpio_request_close(cgpio_request *request) {
  if (request->lines) gpiod_line_request_release(request->lines);
  if (request->edges) gpiod_edge_event_buffer_free(request->edges);
  free(request);
}

int cgpio_request_descriptor(const cgpio_request *request) { return gpiod_line_request_get_fd(request->lines); }

int cgpio_request_levels(cgpio_request *request, uint8_t *levels) {
  enum gpiod_line_value values[CGPIO_MOST_LINES];
  errno = 0;
  if (gpiod_line_request_get_values_subset(request->lines, (size_t)request->count, request->offsets, values) < 0)
    return failure();
  for (int index = 0; index < request->count; index++) levels[index] = values[index] == GPIOD_LINE_VALUE_ACTIVE;
  return 0;
}

static uint32_t index_of(const cgpio_request *request, uint32_t offset) {
  uint32_t index = 0;
  while (index < (uint32_t)request->count && request->offsets[index] != offset) index++;
  return index;
}

int cgpio_request_read(cgpio_request *request, cgpio_edge *edges, int capacity) {
  int most = capacity < CGPIO_MOST_EDGES ? capacity : CGPIO_MOST_EDGES;
  errno = 0;
  int count = gpiod_line_request_read_edge_events(request->lines, request->edges, (size_t)most);
  if (count < 0 && errno == EAGAIN) return 0;
  if (count <= 0) return count < 0 ? failure() : -ENODEV;
  for (int index = 0; index < count; index++) {
    struct gpiod_edge_event *event = gpiod_edge_event_buffer_get_event(request->edges, (unsigned long)index);
    edges[index].timestamp_ns = gpiod_edge_event_get_timestamp_ns(event);
    edges[index].sequence = gpiod_edge_event_get_line_seqno(event);
    edges[index].line = index_of(request, gpiod_edge_event_get_line_offset(event));
    edges[index].is_rising = gpiod_edge_event_get_event_type(event) == GPIOD_EDGE_EVENT_RISING_EDGE;
  }
  return count;
}
#endif
