// GPIO lines as inputs, through libgpiod 1.x or 2.x: which of the two is chosen where this is compiled. No
// logic. All return 0 or a count on success and -errno on failure unless said otherwise.
#pragma once
#include <stdint.h>

// The kernel's names have at most 31 bytes.
#define CGPIO_NAME 32

typedef struct {
  char name[CGPIO_NAME];
  char label[CGPIO_NAME];
  uint32_t line_count;
} cgpio_chip_info;

typedef struct {
  char name[CGPIO_NAME];     // empty if the line has none
  char consumer[CGPIO_NAME]; // who has it, empty if nobody says
  int is_used;
  int is_output;
} cgpio_line_info;

typedef struct cgpio_chip cgpio_chip;
int cgpio_chip_open(const char *path, cgpio_chip **chip);
void cgpio_chip_close(cgpio_chip *chip);
int cgpio_chip_describe(cgpio_chip *chip, cgpio_chip_info *info);
int cgpio_line_describe(cgpio_chip *chip, uint32_t offset, cgpio_line_info *info);

#define CGPIO_RISING 1
#define CGPIO_FALLING 2
#define CGPIO_BIAS_AS_IS 0
#define CGPIO_BIAS_DISABLED 1
#define CGPIO_BIAS_PULL_UP 2
#define CGPIO_BIAS_PULL_DOWN 3

typedef struct {
  uint32_t edges; // CGPIO_RISING, CGPIO_FALLING or both
  uint32_t bias;
  uint32_t is_active_low;
  uint32_t debounce_us; // 2.x alone
  uint32_t queue;       // edges the kernel keeps for each line; 2.x alone
  uint32_t is_realtime; // times are CLOCK_REALTIME's; 2.x alone
} cgpio_settings;

typedef struct {
  uint64_t timestamp_ns; // CLOCK_MONOTONIC unless asked otherwise, taken in the interrupt
  uint64_t sequence;     // of the line, from 1; 0 if the library tells none (1.x)
  uint32_t line;         // index in the request
  uint32_t is_rising;
} cgpio_edge;

// 1 if the library numbers edges, has other clocks, and the kernel debounces (2.x), else 0.
int cgpio_is_numbered(void);
const char *cgpio_library_version(void);

// Lines of one chip asked for together.
#define CGPIO_MOST_LINES 64
typedef struct cgpio_request cgpio_request;
int cgpio_request_open(cgpio_chip *chip, const uint32_t *offsets, int count, const cgpio_settings *settings,
                       cgpio_request **request);
void cgpio_request_close(cgpio_request *request);
// Readable when there are edges.
int cgpio_request_descriptor(const cgpio_request *request);
// The logical level of every line, 0 or 1, in the order of the request.
int cgpio_request_levels(cgpio_request *request, uint8_t *levels);
// Takes up to `capacity` (at most CGPIO_MOST_EDGES) edges without waiting: 0 when there are none. With 1.x one call
// takes those of one line.
#define CGPIO_MOST_EDGES 64
int cgpio_request_read(cgpio_request *request, cgpio_edge *edges, int capacity);
